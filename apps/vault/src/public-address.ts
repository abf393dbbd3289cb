/** `Server.Address`: what every absolute URL is built from. */
export class PublicAddress {
  readonly #base: string

  constructor(readonly address: string) {
    this.#base = address.replace(/\/+$/, '')
  }

  get origin(): string {
    return new URL(this.address).origin
  }

  /** @param path begins with a slash and knows nothing of a prefix */
  urlOf(path: string): string {
    return `${this.#base}${path}`
  }
}
