import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs'
import path from 'node:path'
import { abridge, asJsonLine, readLine } from './abridge.js'

/** `DATA/log/<instance>.log`, and what of it is shown on the terminal. */
export class LogFiles {
  /** Shows warnings and errors only, as while everything is starting. */
  quiet = true
  readonly #streams = new Map<string, WriteStream>()
  readonly #lastSerious = new Map<string, string>()

  constructor(
    private readonly directory: string,
    private readonly show: (text: string) => void,
  ) {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  }

  file(instance: string): string {
    return path.join(this.directory, `${instance}.log`)
  }

  write(instance: string, text: string): void {
    const line = readLine(text)
    let stream = this.#streams.get(instance)
    if (!stream) {
      stream = createWriteStream(this.file(instance), { flags: 'a', mode: 0o600 })
      // A full disk is no reason to stop serving.
      stream.on('error', (error) => this.show(`error ${instance}: its log cannot be written: ${error.message}`))
      this.#streams.set(instance, stream)
    }
    stream.write(`${asJsonLine(instance, text, line, new Date())}\n`)
    if (line.level === 'fatal' || line.level === 'error') this.#lastSerious.set(instance, line.message)
    const shown = abridge(instance, line, this.quiet)
    if (shown) this.show(shown)
  }

  /** The last error that the instance has logged. */
  lastError(instance: string): string | undefined {
    return this.#lastSerious.get(instance)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#streams.values()].map((stream) => new Promise((resolve) => stream.end(resolve))))
  }
}
