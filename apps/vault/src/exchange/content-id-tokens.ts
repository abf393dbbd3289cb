import { Secret } from '#libs/contracts'
import type { InternalHttp } from '#libs/service'

/** Says in a token which content it is, to somebody outside. */
export abstract class ContentIdTokens {
  abstract sign(contentGuid: string, audience: string): Promise<Secret>
}

/** Identity signs them. */
export const idTokensOfContent = (http: InternalHttp): ContentIdTokens => ({
  async sign(contentGuid, audience) {
    const body = { content_guid: contentGuid, audience }
    const { token } = await http.call<{ token: string }>('signContentIdToken', { body })
    return new Secret(token)
  },
})
