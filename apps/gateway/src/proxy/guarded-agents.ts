import { lookup } from 'node:dns'
import { Agent as HttpAgent, type AgentOptions } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import type { Duplex } from 'node:stream'
import type { AddressGuard } from './address-guard.js'

/** A connection that the guard did not permit. The reason is for the log and for administrators. */
export class UpstreamRefused extends Error {
  readonly code = 'UPSTREAM_REFUSED'
}

const POOLED: AgentOptions = { keepAlive: true, maxSockets: 512, maxFreeSockets: 32, timeout: 60_000 }

interface ConnectionOptions {
  host?: string
  hostname?: string
  port?: number | string
  lookup?: LookupFunction
  servername?: string
}

export interface AgentPair {
  readonly http: HttpAgent
  readonly https: HttpsAgent
}

/** The two connection pools through which content is reached; every connection passes the guard. */
export interface GuardedAgents extends AgentPair {
  /** A new connection for each request, used for nothing else. */
  readonly single: AgentPair
  destroy(): void
}

export function guardedAgents(guard: AddressGuard): GuardedAgents {
  const pair = (options: AgentOptions): AgentPair => ({
    http: guarded(new HttpAgent(options), guard),
    https: guarded(new HttpsAgent(options), guard),
  })
  const pools = pair(POOLED)
  const single = pair({ keepAlive: false })
  return {
    ...pools,
    single,
    destroy() {
      for (const { http, https } of [pools, single]) {
        http.destroy()
        https.destroy()
      }
    },
  }
}

type Connect = (options: ConnectionOptions, done: (error: Error | null, socket?: Duplex) => void) => Duplex | undefined

function guarded<A extends HttpAgent>(agent: A, guard: AddressGuard): A {
  const connect = (agent as unknown as { createConnection: Connect }).createConnection.bind(agent)
  const guardedConnect: Connect = (options, done) => {
    const host = options.hostname ?? options.host ?? ''
    const port = Number(options.port)
    // The certificate is the upstream's, whatever the Host header says.
    if (isIP(host) === 0) options.servername = host
    else {
      // No lookup happens for a literal address, so that it is judged before.
      void guard.refusal(host, host, port).then(
        (reason) => {
          if (reason !== undefined) return done(new UpstreamRefused(reason))
          const socket = connect(options, done)
          if (socket) done(null, socket)
        },
        (error: Error) => done(error),
      )
      return undefined
    }
    options.lookup = guardedLookup(guard, port)
    return connect(options, done)
  }
  ;(agent as unknown as { createConnection: Connect }).createConnection = guardedConnect
  return agent
}

/** Resolves a name and gives the connection its addresses only if every one of them may be used. */
function guardedLookup(guard: AddressGuard, port: number): LookupFunction {
  return (host, options, done) => {
    lookup(host, { ...options, all: true }, (error, found) => {
      if (error) return done(error, '')
      void Promise.all(found.map(({ address }) => guard.refusal(host, address, port))).then(
        (reasons) => {
          const reason = reasons.find((one) => one !== undefined)
          const first = found[0]
          if (reason !== undefined || !first) return done(new UpstreamRefused(reason ?? 'the name has no address'), '')
          if (options.all) done(null, found)
          else done(null, first.address, first.family)
        },
        (failure: Error) => done(failure, ''),
      )
    })
  }
}
