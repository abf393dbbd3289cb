import { Max, Min, registerDecorator } from 'class-validator'
import { Section, Setting } from '../setting.js'
import { UpstreamList } from '../upstream-list.js'

const HOUR = 3_600_000

@Section('Content', 'Content and what it may reach.')
export class ContentSettings {
  @Setting(
    'string',
    'Host pattern or network, with port, that content may run at. Without any, only administrators may set upstream_url.',
    { list: true },
  )
  @AreUpstreams()
  upstream: readonly string[] = []

  /** Milliseconds. */
  @Setting('duration', 'How long a user session token is good for; at most 24h. A logout ends it at once.')
  @Min(60_000, { message: 'must be at least 1m' })
  @Max(24 * HOUR, { message: 'must be at most 24h' })
  userSessionTokenLifetimeMs = HOUR

  /** Milliseconds. */
  @Setting('duration', 'How long a content session token is good for; at most 24h.')
  @Min(60_000, { message: 'must be at least 1m' })
  @Max(24 * HOUR, { message: 'must be at most 24h' })
  contentSessionTokenLifetimeMs = HOUR

  @Setting('bool', 'Whether the token exchange refuses personal API keys and takes only keys bound to the content.')
  requireContentKeys = false

  /** Bytes. */
  @Setting('size', 'How large an uploaded bundle may be, packed; at most 4 GB. It is kept in the database.')
  @Min(1, { message: 'must be at least 1' })
  @Max(4e9, { message: 'must be at most 4 GB' })
  maxBundleSize = 500_000_000
}

function AreUpstreams(): PropertyDecorator {
  return (prototype, property) =>
    registerDecorator({
      name: 'areUpstreams',
      target: prototype.constructor,
      propertyName: String(property),
      options: { message: 'must be host[:port], *.domain[:port] or network[:port]' },
      validator: {
        validate(lines: readonly string[]): boolean {
          try {
            return new UpstreamList(lines) instanceof UpstreamList
          } catch {
            return false
          }
        },
      },
    })
}
