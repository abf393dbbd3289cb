import { Injectable } from '@nestjs/common'
import { InjectRepository } from '@nestjs/typeorm'
import { In, Repository } from 'typeorm'
import { DomainError, type AuthType } from '#libs/contracts'
import { Integration } from './integration.entity.js'

/** The reads of integrations. */
@Injectable()
export class IntegrationQueries {
  constructor(@InjectRepository(Integration) private readonly integrations: Repository<Integration>) {}

  /** In creation order. */
  list(): Promise<Integration[]> {
    return this.integrations.find({ order: { position: 'asc' } })
  }

  /** @throws DomainError `integration.not_found` */
  async get(guid: string): Promise<Integration> {
    const integration = await this.integrations.findOneBy({ guid })
    if (!integration)
      throw new DomainError('not_found', 'integration.not_found', 'This OAuth integration does not exist.')
    return integration
  }

  async byGuid(guids: readonly string[]): Promise<Map<string, Integration>> {
    const found = await this.integrations.findBy({ guid: In(guids) })
    return new Map(found.map((integration) => [integration.guid, integration]))
  }

  /**
   * What the rules of associations ask about each integration, in the order given.
   * @throws DomainError `association.integration_unknown`
   */
  async candidates(guids: readonly string[]): Promise<{ guid: string; authType: AuthType }[]> {
    const found = await this.byGuid(guids)
    return guids.map((guid) => {
      const integration = found.get(guid)
      if (!integration) {
        throw new DomainError(
          'invalid',
          'association.integration_unknown',
          'An oauth_integration_guid names no integration.',
        )
      }
      return { guid, authType: integration.authType }
    })
  }
}
