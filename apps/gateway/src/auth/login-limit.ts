import { BlockList } from 'node:net'
import { FailureLimit } from '#libs/service'

/** Half of what identity keeps of logins on their way, in the time for which it keeps them: nobody can push all out. */
const BURST = 100
const PER_SECOND = 8

const THIS_MACHINE = new BlockList()
THIS_MACHINE.addSubnet('127.0.0.0', 8, 'ipv4')
THIS_MACHINE.addAddress('::1', 'ipv6')

const isThisMachine = (address: string): boolean => THIS_MACHINE.check(address, address.includes(':') ? 'ipv6' : 'ipv4')

/**
 * How often one address may do what nobody has to be known for and what costs identity something: 100 times at once, 8 a
 * second in the long run. A peer on this machine is a reverse proxy, behind which is everybody: it has to limit itself.
 */
export class LoginLimit {
  readonly #limit: FailureLimit

  /** @param now monotonic, ms */
  constructor(now: () => number = () => performance.now()) {
    this.#limit = new FailureLimit(now, BURST, PER_SECOND)
  }

  /** @throws DomainError `request.rate_limited` */
  take(address: string): void {
    if (isThisMachine(address)) return
    this.#mustBeLeft(address)
    this.#limit.failed(address)
  }

  /**
   * As `take`, but what succeeds does not count: a login provider ends the sessions of many people from one address.
   * @param attempt resolves with whether it succeeded
   * @throws DomainError `request.rate_limited`, and what the attempt throws
   */
  async countFailure(address: string, attempt: () => Promise<boolean>): Promise<void> {
    const counts = !isThisMachine(address)
    if (counts) this.#mustBeLeft(address)
    const succeeded = await attempt()
    if (counts && !succeeded) this.#limit.failed(address)
  }

  #mustBeLeft(address: string): void {
    this.#limit.mustHaveLeft(address, 'Too many attempts. Try again in a few seconds.')
  }
}
