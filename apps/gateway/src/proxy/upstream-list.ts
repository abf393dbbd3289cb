import { BlockList, isIP } from 'node:net'

/** One line of `[Content] Upstream`: a host pattern or a network, each with its port. */
interface Entry {
  readonly hostPattern?: RegExp
  readonly network?: BlockList
  /** `undefined`: any. */
  readonly port: number | undefined
}

/**
 * Where content may run. A line is `host:port`, `*.example.org:port`, `10.0.0.0/8:port`, `[fd00::/8]:port` or one
 * address; without a port every port is meant.
 */
export class UpstreamList {
  readonly #entries: readonly Entry[]

  /** @throws Error that names the line which is none of these */
  constructor(lines: readonly string[]) {
    this.#entries = lines.map(entryOf)
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
  if (name === undefined || (wanted !== undefined && (wanted < 1 || wanted > 65_535))) throw unreadable(line)
  if (isIP(name) === 0) {
    if (bits !== undefined || v6 !== undefined || !/^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(name)) {
      throw unreadable(line)
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

const unreadable = (line: string): Error => new Error(`[Content] Upstream cannot be read: ${line}`)
