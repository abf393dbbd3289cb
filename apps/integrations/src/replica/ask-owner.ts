import { DomainError, type ChangeMessage } from '#libs/contracts'
import type { AskOwner } from '#libs/messaging'
import type { InternalHttp } from '#libs/service'

/** Identity's answer about one person or group, for a copy that is behind or misses it. */
export function askOwner(http: InternalHttp): AskOwner {
  return async ({ service, category }, guid) => {
    if (service !== 'identity') throw new Error(`integrations may not ask ${service}`)
    try {
      return await http.call<ChangeMessage>('integrationsReadsIdentity', { params: { category, guid } })
    } catch (error) {
      if (error instanceof DomainError && error.kind === 'not_found') return undefined
      throw error
    }
  }
}
