import { IsIn } from 'class-validator'
import { Section, Setting } from '../setting.js'

@Section('Authentication', 'How people prove who they are.')
export class AuthenticationSettings {
  @Setting('string', 'The way to log in. `oauth2` is OpenID Connect, with the settings of [OAuth2].')
  @IsIn(['oauth2'], { message: 'must be oauth2' })
  provider = 'oauth2'
}
