import { Injectable } from '@nestjs/common'
import { TOKEN_TYP, type Actor, type Named } from '#libs/contracts'
import { InternalHttp } from '#libs/service'
import { TokenKeys } from '../token/token-keys.js'

const ASSERTION_SECONDS = 60
/** Somebody may own thousands of items, each of which is an append. */
const TRANSFER_MS = 50_000

/** What people own of content, which is the integrations service's to know. */
@Injectable()
export class ContentOwners {
  constructor(
    private readonly http: InternalHttp,
    private readonly keys: TokenKeys,
  ) {}

  /** @throws DomainError `service.unavailable` when nobody can say */
  async contentOf(guid: string): Promise<readonly Named[]> {
    return (await this.http.call<{ content: Named[] }>('ownedContent', { params: { guid } })).content
  }

  /**
   * Gives all content of one person to another.
   * @param actor stands in the events
   * @throws DomainError `content.name_taken`; `service.unavailable`, after which it can be repeated
   */
  async transfer(source: string, target: string, actor: Actor): Promise<readonly Named[]> {
    const claims = { iss: 'identity', aud: 'integrations', actor }
    const answer = await this.http.call<{ content: Named[] }>('transferContent', {
      params: { guid: source },
      body: { target_guid: target },
      assertion: await this.keys.sign(TOKEN_TYP.actor, claims, ASSERTION_SECONDS),
      timeoutMs: TRANSFER_MS,
    })
    return answer.content
  }
}
