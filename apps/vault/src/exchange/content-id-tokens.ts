import { Secret } from '#libs/contracts'
import type { InternalHttp } from '#libs/service'
import type { ContentIdTokens } from './exchange.js'

/** Identity signs them. */
export const idTokensOfContent = (http: InternalHttp): ContentIdTokens => ({
  async sign(contentGuid, audience) {
    const body = { content_guid: contentGuid, audience }
    const { token } = await http.call<{ token: string }>('signContentIdToken', { body })
    return new Secret(token)
  },
})
