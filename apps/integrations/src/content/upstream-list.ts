import { Injectable } from '@nestjs/common'
import { ContentSettings } from '#libs/service'

/** `[Content] Upstream`: the hosts that publishers may name as upstream without asking an administrator. */
@Injectable()
export class UpstreamList {
  constructor(private readonly settings: ContentSettings) {}

  /** An entry is `host`, `host:port` or `*.domain[:port]`; without a port every port is meant. */
  includes(upstreamUrl: string): boolean {
    const { hostname, port, protocol } = new URL(upstreamUrl)
    const effectivePort = port || (protocol === 'https:' ? '443' : '80')
    return this.settings.upstream.some((entry) => {
      const [host = '', wantedPort] = splitPort(entry.toLowerCase())
      if (wantedPort && wantedPort !== effectivePort) return false
      return host.startsWith('*.') ? hostname.endsWith(host.slice(1)) : hostname === host
    })
  }
}

function splitPort(entry: string): [string, string | undefined] {
  const match = /^(.*?)(?::(\d+))?$/.exec(entry)
  return [match?.[1] ?? entry, match?.[2]]
}
