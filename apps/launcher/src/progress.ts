/** What the person at the terminal reads. */
export class Progress {
  readonly #began = performance.now()

  constructor(private readonly write: (text: string) => void) {}

  line(text: string): void {
    this.write(`${text}\n`)
  }

  /** Does the work, then prints its name and how long it took. */
  async step<T>(name: string, work: () => Promise<T>): Promise<T> {
    const began = performance.now()
    const result = await work()
    this.line(`  ${name} ${'·'.repeat(Math.max(2, 44 - name.length))} ${seconds(performance.now() - began)}`)
    return result
  }

  /** Since the launcher began. */
  elapsed(): string {
    return seconds(performance.now() - this.#began)
  }
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}
