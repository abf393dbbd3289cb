import { type ChangeMessage, DomainError, type InternalCallName, type ServiceName } from '#libs/contracts'
import type { AskOwner } from '#libs/messaging'
import type { InternalHttp } from '#libs/service'

const CALLS: Partial<Record<ServiceName, InternalCallName>> = {
  identity: 'gatewayReadsIdentity',
  integrations: 'gatewayReadsIntegrations',
}

/** Asks the owner of a document for it. */
export const askOwner =
  (http: InternalHttp): AskOwner =>
  async ({ service, category }, guid) => {
    const call = CALLS[service]
    if (!call) throw new Error(`The gateway has nothing to ask ${service} for.`)
    try {
      return await http.call<ChangeMessage>(call, { params: { category, guid }, timeoutMs: 1_000 })
    } catch (error) {
      if (error instanceof DomainError && error.kind === 'not_found') return undefined
      throw error
    }
  }
