import { IsIn, Max, Min, ValidateIf } from 'class-validator'
import { Section, Setting } from '../setting.js'

const HOUR = 3_600_000

@Section('Authentication', 'How people prove who they are.')
export class AuthenticationSettings {
  @Setting('string', 'The way to log in. `oauth2` is OpenID Connect, with the settings of [OAuth2].')
  @IsIn(['oauth2'], { message: 'must be oauth2' })
  provider = 'oauth2'

  /** Milliseconds. */
  @Setting('duration', 'How long a browser session lasts after a login; at most 720h.')
  @Min(60_000, { message: 'must be at least 1m' })
  @Max(720 * HOUR, { message: 'must be at most 720h' })
  lifetimeMs = 8 * HOUR

  /** Milliseconds; 0: no limit. */
  @Setting('duration', 'How long a browser session may be unused before it ends; 0 for no limit, else at least 1m.')
  @ValidateIf(({ inactivityMs }: AuthenticationSettings) => inactivityMs !== 0)
  @Min(60_000, { message: 'must be 0 or at least 1m' })
  inactivityMs = 0
}
