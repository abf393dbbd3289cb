import { SERVICES, type ServiceName } from '#libs/contracts'
import type { ReplicaPools } from '#libs/service'

const REMEMBERED_MS = 1_000
const PATIENCE_MS = 2_000

/** Which services are not ready, asked at most once a second however often it is asked. */
export class Ping {
  #answer: Promise<readonly ServiceName[]> | undefined
  #until = 0

  /**
   * @param ownReadiness whether the gateway's own copies are complete
   * @param now monotonic, ms
   */
  constructor(
    private readonly pools: Pick<ReplicaPools, 'pools'>,
    private readonly ownReadiness: () => boolean,
    private readonly now: () => number = () => performance.now(),
  ) {}

  notReady(): Promise<readonly ServiceName[]> {
    if (!this.#answer || this.now() >= this.#until) {
      // While a question is in flight nobody asks another one.
      this.#until = Infinity
      this.#answer = this.#ask().finally(() => (this.#until = this.now() + REMEMBERED_MS))
    }
    return this.#answer
  }

  async #ask(): Promise<readonly ServiceName[]> {
    const ready = await Promise.all(
      SERVICES.map((service) =>
        service === 'gateway' ? Promise.resolve(this.ownReadiness()) : this.#isReady(service),
      ),
    )
    return SERVICES.filter((_, at) => !ready[at])
  }

  /** A service is ready when one of its replicas is. */
  async #isReady(service: ServiceName): Promise<boolean> {
    const answers = await Promise.all(
      this.pools.pools(service, 'calls').map(async (pool) => {
        try {
          const signal = AbortSignal.timeout(PATIENCE_MS)
          const { statusCode, body } = await pool.request({ method: 'GET', path: '/readyz', signal })
          await body.dump()
          return statusCode === 200
        } catch {
          return false
        }
      }),
    )
    return answers.includes(true)
  }
}
