import { IsNotEmpty, Max, Min } from 'class-validator'
import { Section, Setting } from '../setting.js'

const HOUR = 3_600_000

@Section('Content', 'Content and what it may reach.')
export class ContentSettings {
  @Setting(
    'string',
    'Host pattern or network, with port, that content may run at. Without any, only administrators may set upstream_url.',
    { list: true },
  )
  @IsNotEmpty({ each: true })
  upstream: readonly string[] = []

  /** Milliseconds. */
  @Setting('duration', 'How long a user session token is good for; at most 24h. A logout ends it at once.')
  @Min(60_000, { message: 'must be at least 1m' })
  @Max(24 * HOUR, { message: 'must be at most 24h' })
  userSessionTokenLifetimeMs = HOUR

  @Setting('bool', 'Whether the token exchange refuses personal API keys and takes only keys bound to the content.')
  requireContentKeys = false
}
