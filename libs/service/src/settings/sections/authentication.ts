import { IsIn, IsOptional, Max, Min, ValidateIf } from 'class-validator'
import { Section, Setting } from '../setting.js'

const HOUR = 3_600_000

@Section('Authentication', 'How people prove who they are.')
export class AuthenticationSettings {
  /** `undefined`: nobody can log in. */
  @Setting(
    'string',
    'The way to log in. `oauth2` is OpenID Connect, with the settings of [OAuth2]; it is meant when [OAuth2] names a client or an issuer. Otherwise nobody can log in, and there are bootstrap and API keys only.',
  )
  @IsOptional()
  @IsIn(['oauth2'], { message: 'must be oauth2, the only way to log in that there is' })
  provider?: 'oauth2'

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
