import { eventually } from '#libs/testing'
import type { Person } from '../person.js'
import type { Cast } from './cast.js'

interface Listed {
  readonly guid: string
  readonly oauth_integration_guid: string
}

/**
 * OAuth sessions of one person, each at an integration of its own. They are made as people make them, by a visit that
 * leads through the vendor's consent, and with one browser: one after the other.
 */
export class OAuthSessions {
  /** The integrations that were consented to last, by purpose. */
  readonly #integrations = new Map<string, string>()
  #before: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly cast: Cast,
    private readonly person: Person,
  ) {}

  /** @returns the guid of the one for this purpose: the same until somebody ends it */
  of(purpose: string): Promise<string> {
    return this.#inTurn(() => this.#session(purpose))
  }

  /** From here on the vendor is not told of any end. @returns the guid of a revocation that it is owed */
  owedRevocation(): Promise<string> {
    return this.#inTurn(async () => {
      await this.cast.world.setFaults({ grant_type: 'revocation', fail_status: 503 })
      const owed = () => this.#find('to revoke', '/v1/oauth/revocations', this.cast.administrator)
      const before = await owed()
      if (before !== undefined) return before
      await this.cast.must('DELETE', `/v1/oauth/sessions/${await this.#session('to revoke')}`)
      return eventually(owed)
    })
  }

  async #session(purpose: string): Promise<string> {
    const mine = () => this.#find(purpose, '/v1/oauth/sessions', this.cast.keys.owner!)
    const before = await mine()
    if (before !== undefined) return before
    const { world, keys } = this.cast
    const integration = await this.cast.integration()
    this.#integrations.set(purpose, integration)
    const name = `visited-${integration}`
    await this.person.consent(await world.makeContent(keys.owner!, name, world.probe.url, [integration]))
    return eventually(mine)
  }

  /** What a list has of the integration for this purpose. */
  async #find(purpose: string, list: string, key: string): Promise<string | undefined> {
    const integration = this.#integrations.get(purpose)
    const rows = await this.cast.must<Listed[]>('GET', list, undefined, key)
    return rows.find(({ oauth_integration_guid: at }) => at === integration)?.guid
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#before.then(work, work)
    this.#before = mine
    return mine
  }
}
