import { lookup } from 'node:dns/promises'
import { networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'
import type { UpstreamList } from '#libs/service'

/** A listener of the house, which content may never be. */
export interface OwnListener {
  readonly host: string
  readonly port: number
}

export interface GuardRules {
  /** `[Content] Upstream`. */
  readonly permitted: UpstreamList
  /** `[Development] Loopback`. */
  readonly loopback: boolean
  readonly own: readonly OwnListener[]
}

/** Addresses that hand out a machine's credentials and are not link-local. */
const METADATA = ['100.100.100.200', '168.63.129.16', '192.0.0.192', 'fd00:ec2::254']
/** Ranges in which no app can be: ipaddr.js' names. */
const IMPOSSIBLE = new Set([
  'unspecified',
  'broadcast',
  'multicast',
  'linkLocal',
  'reserved',
  'teredo',
  '6to4',
  'rfc6052',
  'rfc6145',
  'discard',
])
const OWN_MS = 30_000

/**
 * Whether the gateway may connect to where content is said to be. Judged on the address that the connection will
 * really use: a name can change its mind between a check and a connection.
 */
export class AddressGuard {
  #own: { addresses: ReadonlySet<string>; port: number }[] = []
  #ownUntil = 0

  constructor(
    private readonly rules: GuardRules,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * @param host as in `upstream_url`, without brackets
   * @returns why not, for the log and the administrator; `undefined` when it may
   */
  async refusal(host: string, address: string, port: number): Promise<string | undefined> {
    const parsed = ipaddr.isValid(address) ? ipaddr.process(address) : undefined
    if (!parsed) return 'it is not an address'
    const range = parsed.range()
    const plain = parsed.toString()
    if (IMPOSSIBLE.has(range) || METADATA.includes(plain)) return `addresses of the range ${range} are refused`
    if (await this.#isOwn(host, plain, range === 'loopback', port)) return 'it is one of the server’s own processes'
    if (range === 'loopback' && !this.rules.loopback) return 'loopback addresses are refused'
    if (!this.rules.permitted.isEmpty && !this.rules.permitted.admits(host.toLowerCase(), plain, port)) {
      return 'it is outside [Content] Upstream'
    }
    return undefined
  }

  async #isOwn(host: string, address: string, isLoopback: boolean, port: number): Promise<boolean> {
    if (!this.rules.own.some((own) => own.port === port)) return false
    if (this.rules.own.some((own) => own.port === port && own.host.toLowerCase() === host.toLowerCase())) return true
    if (this.now() >= this.#ownUntil) await this.#resolveOwn()
    return this.#own.some(
      (own) => own.port === port && (own.addresses.has(address) || (isLoopback && own.addresses.has(EVERY_LOOPBACK))),
    )
  }

  async #resolveOwn(): Promise<void> {
    this.#ownUntil = this.now() + OWN_MS
    const here = Object.values(networkInterfaces()).flatMap(
      (interfaces) => interfaces?.map(({ address }) => address) ?? [],
    )
    this.#own = await Promise.all(
      this.rules.own.map(async ({ host, port }) => {
        // A name that does not resolve now keeps nobody from being refused by name.
        const found = await lookup(host, { all: true }).catch(() => [])
        const addresses = new Set(found.map(({ address }) => ipaddr.process(address).toString()))
        const isHere = [...addresses].some(
          (address) => LOCAL.has(ipaddr.process(address).range()) || here.includes(address),
        )
        return { port, addresses: isHere ? new Set([...addresses, ...here, EVERY_LOOPBACK]) : addresses }
      }),
    )
  }
}

const LOCAL = new Set(['loopback', 'unspecified'])
/** A listener on this machine is reached through every loopback address. */
const EVERY_LOOPBACK = 'loopback'
