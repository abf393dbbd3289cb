/** Does something every so often and never twice at once, until it is stopped. It keeps no process alive. */
export class Every {
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined

  /** @param failed is told why it could not be done; the next time comes anyway */
  constructor(
    private readonly milliseconds: number,
    private readonly work: () => Promise<unknown>,
    private readonly failed: (error: unknown) => void,
  ) {}

  start(): void {
    this.#timer = setInterval(() => {
      this.#running ??= this.work()
        .then(() => undefined, this.failed)
        .finally(() => (this.#running = undefined))
    }, this.milliseconds).unref()
  }

  /** @returns when what is under way is over */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#running
  }
}
