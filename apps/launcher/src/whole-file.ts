import { rename, rm, writeFile } from 'node:fs/promises'

/** A small file, 0600, that is always whole: written aside and renamed, one writing after the other. */
export class WholeFile {
  #last: Promise<void> = Promise.resolve()

  constructor(readonly path: string) {}

  /** @param text asked when it is this writing's turn */
  write(text: () => string): Promise<void> {
    const writing = this.#last.then(async () => {
      await writeFile(`${this.path}.new`, text(), { mode: 0o600 })
      await rename(`${this.path}.new`, this.path)
    })
    this.#last = writing.catch(() => undefined)
    return writing
  }

  /** Removes it after what is being written. */
  async remove(): Promise<void> {
    await this.#last
    await rm(this.path, { force: true })
  }
}
