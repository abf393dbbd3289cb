import ipaddr from 'ipaddr.js'

const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96')
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3')

/**
 * Whether an address is global unicast, looking through IPv4-mapped, NAT64 and 6to4 addresses to the IPv4 address
 * that the packet would reach.
 * @see RFC 4291 §2.5, RFC 6052 §2.1, RFC 3056 §2, RFC 6890
 */
export function isGlobal(address: string): boolean {
  const inner = reached(address)
  if (!inner || inner.range() !== 'unicast') return false
  return inner instanceof ipaddr.IPv4 || inner.match(GLOBAL_UNICAST)
}

/** Whether an address is this machine, `::ffff:127.0.0.1` included. */
export function isLoopback(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback'
}

/** Which addresses of providers a deployment permits. */
export interface ProviderReach {
  /** Also this machine, by plain http and at any port (`[Development] Loopback`). Default `false`. */
  readonly loopback?: boolean
  /** Ports besides 443. */
  readonly ports?: readonly number[]
}

/**
 * Whether a provider may be at an address: by https, at a permitted port, in the public internet.
 * @param url protocol and port as `URL` has them, with the colon and empty for the usual one
 */
export function mayBeProvider(
  { protocol, port }: Pick<URL, 'protocol' | 'port'>,
  address: string,
  { loopback = false, ports = [] }: ProviderReach,
): boolean {
  if (loopback && isLoopback(address)) return true
  if (protocol !== 'https:') return false
  const number = port === '' ? 443 : Number(port)
  return (number === 443 || ports.includes(number)) && isGlobal(address)
}

/** The address that the host of a URL is written as; `undefined` for a name. */
export function addressIn({ hostname }: URL): string | undefined {
  const address = hostname.replace(/^\[|\]$/g, '')
  return ipaddr.isValid(address) ? address : undefined
}

function reached(address: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (!ipaddr.isValid(address)) return undefined
  const outer = ipaddr.process(address)
  if (outer instanceof ipaddr.IPv4) return outer
  const bytes = outer.toByteArray()
  if (outer.match(NAT64)) return new ipaddr.IPv4(bytes.slice(12))
  // A 6to4 host can itself be any address behind that router, but the router must at least be a public one.
  if (outer.range() === '6to4') return new ipaddr.IPv4(bytes.slice(2, 6))
  return outer
}
