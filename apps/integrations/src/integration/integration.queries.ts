import { Injectable } from '@nestjs/common'
import { InjectRepository } from '@nestjs/typeorm'
import { In, Repository } from 'typeorm'
import { integrationNotFound } from './integration.refusals.js'
import { Integration, IntegrationPermission } from './integration.entity.js'

/** An integration with its access list, oldest entry first. */
export type ListedIntegration = Integration & { readonly permissions: readonly IntegrationPermission[] }

/** The reads of integrations. */
@Injectable()
export class IntegrationQueries {
  constructor(
    @InjectRepository(Integration) private readonly integrations: Repository<Integration>,
    @InjectRepository(IntegrationPermission) private readonly permissions: Repository<IntegrationPermission>,
  ) {}

  /** In creation order. */
  async list(): Promise<ListedIntegration[]> {
    const found = await this.integrations.find({ order: { position: 'asc' } })
    const permissions = await this.permissions.find({ order: { position: 'asc' } })
    return withPermissions(found, permissions)
  }

  /** @throws DomainError `integration.not_found` */
  async get(guid: string): Promise<ListedIntegration> {
    const integration = (await this.byGuid([guid])).get(guid)
    if (!integration) throw integrationNotFound()
    return integration
  }

  async byGuid(guids: readonly string[]): Promise<Map<string, ListedIntegration>> {
    const found = await this.integrations.findBy({ guid: In(guids) })
    const permissions = await this.permissions.find({
      where: { integrationGuid: In(guids) },
      order: { position: 'asc' },
    })
    return new Map(withPermissions(found, permissions).map((integration) => [integration.guid, integration]))
  }
}

function withPermissions(
  integrations: readonly Integration[],
  permissions: readonly IntegrationPermission[],
): ListedIntegration[] {
  const byIntegration = Map.groupBy(permissions, ({ integrationGuid }) => integrationGuid)
  return integrations.map((integration) => ({ ...integration, permissions: byIntegration.get(integration.guid) ?? [] }))
}
