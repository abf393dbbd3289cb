import { DomainError, type ChangeMessage, type InternalCallName, type ServiceName } from '#libs/contracts'
import type { AskOwner } from '#libs/messaging'
import type { InternalHttp } from '#libs/service'

const CALLS: Readonly<Partial<Record<ServiceName, InternalCallName>>> = {
  identity: 'vaultReadsIdentity',
  integrations: 'vaultReadsIntegrations',
}

/** The owner's answer about one document, for a copy that is behind or misses it. */
export function askOwner(http: InternalHttp): AskOwner {
  return async ({ service, category }, guid) => {
    const call = CALLS[service]
    if (!call) throw new Error(`the vault may not ask ${service}`)
    try {
      return await http.call<ChangeMessage>(call, { params: { category, guid } })
    } catch (error) {
      if (error instanceof DomainError && error.code === 'object.not_found') return undefined
      throw error
    }
  }
}
