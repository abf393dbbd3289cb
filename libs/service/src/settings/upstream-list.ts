import { BlockList, isIP } from 'node:net'

/** One line of `[Content] Upstream`: a host pattern or a network, each with its port. */
interface Entry {
  readonly hostPattern?: RegExp
  readonly network?: BlockList
  /** `undefined`: any. */
  readonly port: number | undefined
}

/** What the list says of an upstream before its name is resolved: who may choose it, if anybody. */
export type UpstreamVerdict = 'listed' | 'administrators_only' | 'outside'

/**
 * `[Content] Upstream`: where content may run. A line is `host:port`, `*.example.org:port`, `10.0.0.0/8:port`, `[fd00::/8]:port` or one
 * address; without a port every port is meant.
 */
export class UpstreamList {
  readonly #entries: readonly Entry[]

  /** @throws Error for a line that is none of these */
  constructor(lines: readonly string[]) {
    this.#entries = lines.map(entryOf)
  }

  /**
   * For when a URL is chosen. A name may be in a listed network: that shows when it is resolved, at each connection.
   * @param url absolute, http or https
   */
  verdict(url: string): UpstreamVerdict {
    if (this.isEmpty) return 'administrators_only'
    const { hostname, port, protocol } = new URL(url)
    const host = hostname.replace(/^\[|\]$/g, '')
    const number = Number(port) || (protocol === 'https:' ? 443 : 80)
    if (isIP(host) > 0) return this.admits(host, host, number) ? 'listed' : 'outside'
    const possible = this.#entries.some(
      (entry) =>
        (entry.port === undefined || entry.port === number) &&
        (entry.network !== undefined || entry.hostPattern?.test(host)),
    )
    return possible ? 'listed' : 'outside'
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  /**
   * @param host as in the URL, lower case, without brackets
   * @param address what it has been resolved to
   */
  admits(host: string, address: string, port: number): boolean {
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    return this.#entries.some(
      (entry) =>
        (entry.port === undefined || entry.port === port) &&
        (entry.hostPattern?.test(host) ?? entry.network?.check(address, family) ?? false),
    )
  }
}

const LINE = /^(?:\[([0-9a-f:.]+)(?:\/(\d{1,3}))?\]|([^\s:/[\]]+)(?:\/(\d{1,2}))?)(?::(\d{1,5}))?$/i

function entryOf(line: string): Entry {
  const [, v6, v6Bits, host, v4Bits, port] = LINE.exec(line.trim()) ?? []
  const name = (v6 ?? host)?.toLowerCase()
  const bits = v6Bits ?? v4Bits
  const wanted = port === undefined ? undefined : Number(port)
  if (name === undefined || (wanted !== undefined && (wanted < 1 || wanted > 65_535))) throw unreadable()
  if (isIP(name) === 0) {
    if (bits !== undefined || v6 !== undefined || !/^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(name)) {
      throw unreadable()
    }
    const labels = name.replace(/^\*\./, '').replaceAll('.', '\\.')
    const hostPattern = new RegExp(name.startsWith('*.') ? `^(?:[a-z0-9_-]+\\.)+${labels}$` : `^${labels}$`)
    return { hostPattern, port: wanted }
  }
  const family = isIP(name) === 6 ? 'ipv6' : 'ipv4'
  const network = new BlockList()
  network.addSubnet(name, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family)
  return { network, port: wanted }
}

const unreadable = (): Error => new Error('[Content] Upstream has a line that is neither a host pattern nor a network')
