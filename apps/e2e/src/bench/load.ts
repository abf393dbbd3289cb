import autocannon from 'autocannon'

export interface Load {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Each connection sends all of them over and over, each beginning elsewhere. */
  readonly bodies: readonly string[]
  readonly concurrency: number
  readonly seconds: number
}

/** What one or several runs have shown. */
export interface Sample {
  /** Milliseconds that each answer took. */
  readonly times: readonly number[]
  readonly tookMs: number
  /** Answers other than 200, and requests without one. */
  readonly errors: number
}

export const together = (samples: readonly Sample[]): Sample => ({
  times: samples.flatMap(({ times }) => times),
  tookMs: samples.reduce((sum, { tookMs }) => sum + tookMs, 0),
  errors: samples.reduce((sum, { errors }) => sum + errors, 0),
})

export interface Figures {
  readonly perSecond: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly answers: number
  readonly errors: number
}

export function figuresOf({ times, tookMs, errors }: Sample): Figures {
  const sorted = Float64Array.from(times).sort()
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
  return { perSecond: (times.length / tookMs) * 1000, p50: at(0.5), p99: at(0.99), answers: times.length, errors }
}

/** Sends one request after the other on each connection. */
export function measure({ url, headers, bodies, concurrency, seconds }: Load): Promise<Sample> {
  return new Promise((resolve, reject) => {
    const times: number[] = []
    let connection = 0
    const setupClient = (client: autocannon.Client): void => {
      const first = Math.floor((connection++ * bodies.length) / concurrency)
      const order = [...bodies.slice(first), ...bodies.slice(0, first)]
      client.setRequests(order.map((body) => ({ method: 'POST', headers, body })))
    }
    const began = performance.now()
    const run = autocannon(
      { url, method: 'POST', headers, body: bodies[0], connections: concurrency, duration: seconds, setupClient },
      (error: Error | null, { errors, timeouts, non2xx }) => {
        if (error) reject(error)
        else resolve({ times, tookMs: performance.now() - began, errors: errors + timeouts + non2xx })
      },
    )
    run.on('response', (_client, _status, _bytes, responseTime) => void times.push(responseTime))
  })
}
