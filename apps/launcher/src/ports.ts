import { readFile, writeFile } from 'node:fs/promises'
import net from 'node:net'

/** A loopback TCP port that is free at this moment. */
export async function freePort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Whether nobody listens on the port, on `host` or, without it, on any address of this machine. */
export async function isFree(port: number, host?: string): Promise<boolean> {
  const server = net.createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** Ports that stay the same from start to start, unless another program has taken one. */
export class Ports {
  readonly #file: string
  readonly #kept: Record<string, number>

  private constructor(file: string, kept: Record<string, number>) {
    this.#file = file
    this.#kept = kept
  }

  static async load(file: string): Promise<Ports> {
    const text = await readFile(file, 'utf8').catch(() => '{}')
    return new Ports(file, JSON.parse(text) as Record<string, number>)
  }

  /** @param preferred taken at first when it is free */
  async choose(name: string, preferred?: number): Promise<number> {
    const others = Object.entries(this.#kept).filter(([key]) => key !== name)
    const candidates = [this.#kept[name], preferred].filter((port) => port !== undefined)
    for (let tries = 0; tries < 1000; tries++) {
      // Below the range that the system takes for outgoing connections, so that none is in the way at the next start.
      const port = candidates.shift() ?? 20_000 + Math.floor(Math.random() * 12_000)
      if (others.some(([, taken]) => taken === port) || !(await isFree(port))) continue
      if (this.#kept[name] !== port) {
        this.#kept[name] = port
        await writeFile(this.#file, `${JSON.stringify(this.#kept, null, 2)}\n`, { mode: 0o600 })
      }
      return port
    }
    throw new Error('no free port was found')
  }
}
