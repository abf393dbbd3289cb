import { Secret } from '#libs/contracts'
import type { InternalHttp } from '#libs/service'
import type { VisitorKeys } from './exchange.js'

/** Identity makes the keys, which are events of its own. */
export const keysOfVisitors = (http: InternalHttp): VisitorKeys => ({
  async issue(userGuid, role, contentGuid) {
    const body = { user_guid: userGuid, role, content_guid: contentGuid }
    const { key, expires_in } = await http.call<{ key: string; expires_in: number }>('issueVisitorKey', { body })
    return { key: new Secret(key), expiresIn: expires_in }
  },
})
