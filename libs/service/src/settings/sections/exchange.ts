import { Min } from 'class-validator'
import { Section, Setting } from '../setting.js'

const POSITIVE = { message: 'must be at least 1ms' }

/** Deadlines around a refresh, each inside the next. */
@Section('Exchange', 'Deadlines around a token refresh; each must be shorter than the next.')
export class ExchangeSettings {
  /** Milliseconds. */
  @Setting('duration', 'How long a provider may take to answer a token request.')
  @Min(1, POSITIVE)
  tokenRequestTimeoutMs = 20_000

  /** Milliseconds. */
  @Setting('duration', 'How long one process has the sole right to refresh a grant.')
  @Min(1, POSITIVE)
  refreshLeaseMs = 25_000

  /** Milliseconds. */
  @Setting('duration', 'How long a request waits for a refresh that another one has begun.')
  @Min(1, POSITIVE)
  refreshWaitMs = 30_000

  /** Milliseconds. */
  @Setting('duration', 'How long the gateway waits for a service to answer.')
  @Min(1, POSITIVE)
  routeTimeoutMs = 35_000
}
