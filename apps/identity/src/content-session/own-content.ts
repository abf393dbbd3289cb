import { Injectable } from '@nestjs/common'
import {
  contentContract,
  DomainError,
  isAtLeast,
  type ChangeMessage,
  type ContentState,
  type Role,
} from '#libs/contracts'
import { InternalHttp } from '#libs/service'

const OF_PUBLISHERS = 'This is for the content’s owner, with a key whose role is publisher or more.'

/** Whose content something is, which is the integrations service's to know. */
@Injectable()
export class OwnContent {
  constructor(private readonly http: InternalHttp) {}

  /**
   * @param role what the person may do by the key in question
   * @throws DomainError `permission.denied`, for content that is not there too; `service.unavailable` when nobody can say
   */
  async mustBeOf(userGuid: string, contentGuid: string, role: Role): Promise<void> {
    if (!isAtLeast(role, 'publisher')) throw denied()
    const content = await this.#find(contentGuid)
    if (content?.owner_guid !== userGuid) throw denied()
  }

  async #find(guid: string): Promise<ContentState | null> {
    try {
      const params = { category: contentContract.category, guid }
      return (await this.http.call<ChangeMessage<ContentState>>('identityReadsContent', { params })).state
    } catch (error) {
      if (error instanceof DomainError && error.code === 'object.not_found') return null
      throw error
    }
  }
}

const denied = (): DomainError => new DomainError('forbidden', 'permission.denied', OF_PUBLISHERS)
