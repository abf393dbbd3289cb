import { Injectable } from '@nestjs/common'
import { InjectRepository } from '@nestjs/typeorm'
import { Repository } from 'typeorm'
import { DomainError, type Person } from '#libs/contracts'
import { roleOf } from './app-role.js'
import { Association, Content } from './content.entity.js'

/** The reads of content items and their associations. */
@Injectable()
export class ContentQueries {
  constructor(
    @InjectRepository(Content) private readonly contents: Repository<Content>,
    @InjectRepository(Association) private readonly associations: Repository<Association>,
  ) {}

  /** In creation order. */
  list(filter: { name?: string; ownerGuid?: string }): Promise<Content[]> {
    const { name, ownerGuid } = filter
    // TypeORM refuses members that are `undefined`, since they would widen the query unseen.
    const where = { ...(name !== undefined && { name }), ...(ownerGuid !== undefined && { ownerGuid }) }
    return this.contents.find({ where, order: { position: 'asc' } })
  }

  /** @throws DomainError `content.not_found` */
  async get(guid: string): Promise<Content> {
    const content = await this.contents.findOneBy({ guid })
    if (!content) throw notFound()
    return content
  }

  /**
   * An item that the caller may know of; what they may not see does not exist for them.
   * @throws DomainError `content.not_found`
   */
  async visible(guid: string, caller: Person): Promise<Content> {
    const content = await this.get(guid)
    if (roleOf(content, caller) === 'none') throw notFound()
    return content
  }

  /** In the order in which they were made. */
  associationsOf(contentGuid: string): Promise<Association[]> {
    return this.associations.find({ where: { contentGuid }, order: { position: 'asc' } })
  }

  /** In the order in which they were made. */
  associationsWith(integrationGuid: string): Promise<Association[]> {
    return this.associations.find({ where: { integrationGuid }, order: { position: 'asc' } })
  }
}

const notFound = (): DomainError => new DomainError('not_found', 'content.not_found', 'This content does not exist.')
