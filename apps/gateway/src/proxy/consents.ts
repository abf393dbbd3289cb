import type { ContentState } from '#libs/contracts'
import { Logger } from '@nestjs/common'

/**
 * Asks the vault which viewer integrations of a content item somebody has yet to consent to.
 * @param version of the content's document here; the vault's is not to be older
 */
export type AskMissing = (contentGuid: string, version: number, assertion: string) => Promise<readonly string[]>

/** As late as services may hear of each other: nobody tells the gateway that an authorization has ended. */
const REMEMBERED_MS = 2_000
const ENTRIES = 10_000

/** Whether a visitor has consented to everything that a content item wants to do in their name. */
export class Consents {
  readonly #logger = new Logger(Consents.name)
  readonly #complete = new Map<string, number>()

  /** @param now monotonic, ms */
  constructor(
    private readonly ask: AskMissing,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * An integration that is still to be consented to. `undefined` when there is none, or when the vault cannot say: then
   * the visit goes on, and the content's own exchange tells what is missing.
   * @param version of the content's document: a new association is asked for at once
   */
  async firstMissing(
    userGuid: string,
    content: ContentState,
    version: number,
    assertion: () => Promise<string>,
  ): Promise<string | undefined> {
    if (!content.associations.some(({ auth_type }) => auth_type === 'Viewer')) return undefined
    const key = `${userGuid} ${content.guid} ${version}`
    const until = this.#complete.get(key)
    if (until !== undefined && until > this.now()) return undefined
    try {
      const [first] = await this.ask(content.guid, version, await assertion())
      if (first === undefined) this.#remember(key)
      return first
    } catch (error) {
      this.#logger.warn({ err: error, content: content.guid }, 'consents could not be asked for; the visit goes on')
      return undefined
    }
  }

  #remember(key: string): void {
    this.#complete.delete(key)
    if (this.#complete.size >= ENTRIES) this.#complete.delete(this.#complete.keys().next().value!)
    this.#complete.set(key, this.now() + REMEMBERED_MS)
  }
}
