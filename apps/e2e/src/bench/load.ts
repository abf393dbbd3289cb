import autocannon from 'autocannon'

export interface Load {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Each connection sends all of them over and over, each beginning elsewhere. */
  readonly bodies: readonly string[]
  readonly concurrency: number
  readonly seconds: number
}

export interface Figures {
  readonly concurrency: number
  readonly perSecond: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly answers: number
  /** Answers other than 200, and requests without one. */
  readonly errors: number
}

/** Sends one request after the other on each connection. */
export function measure({ url, headers, bodies, concurrency, seconds }: Load): Promise<Figures> {
  return new Promise((resolve, reject) => {
    const times: number[] = []
    let connection = 0
    const setupClient = (client: autocannon.Client): void => {
      const first = Math.floor((connection++ * bodies.length) / concurrency)
      const order = [...bodies.slice(first), ...bodies.slice(0, first)]
      client.setRequests(order.map((body) => ({ method: 'POST', headers, body })))
    }
    const began = performance.now()
    const options = {
      url,
      method: 'POST',
      headers,
      body: bodies[0],
      connections: concurrency,
      duration: seconds,
      setupClient,
    } as const
    const run = autocannon(options, (error: Error | null, result) => {
      if (error) return reject(error)
      const tookMs = performance.now() - began
      times.sort((a, b) => a - b)
      const at = (share: number): number =>
        times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN
      const { errors, timeouts, non2xx } = result
      resolve({
        concurrency,
        perSecond: (times.length / tookMs) * 1000,
        p50: at(0.5),
        p99: at(0.99),
        answers: times.length,
        errors: errors + timeouts + non2xx,
      })
    })
    run.on('response', (_client, _status, _bytes, responseTime) => void times.push(responseTime))
  })
}
