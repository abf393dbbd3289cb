import { Injectable } from '@nestjs/common'
import { DomainError, isAtLeast, type UserState } from '#libs/contracts'
import { People } from '../replica/people.js'
import type { Principal, PrincipalType } from './permission.rules.js'

/** People and groups who are to have a part in content, looked up so that the rules need not ask. */
@Injectable()
export class Principals {
  constructor(private readonly people: People) {}

  /** @throws DomainError `user.not_found`, `group.not_found`; `replica.stale` (unavailable) */
  async find(guid: string, type: PrincipalType): Promise<Principal> {
    if (type === 'group') {
      if (!(await this.people.group(guid))) {
        throw new DomainError('not_found', 'group.not_found', 'This group does not exist.')
      }
      return { guid, type, mayPublish: true }
    }
    return { guid, type, mayPublish: publishes(await this.#person(guid)) }
  }

  /**
   * Whether somebody can own content.
   * @throws DomainError `user.not_found`, `content.owner_cannot_publish`; `replica.stale` (unavailable)
   */
  async mustBeOwner(guid: string): Promise<void> {
    const user = await this.#person(guid)
    if (publishes(user) && !user.locked) return
    throw new DomainError(
      'forbidden',
      'content.owner_cannot_publish',
      'The owner of content has to be a publisher or an administrator who is not locked.',
    )
  }

  /** Somebody who has just been made a publisher may still be a viewer here. */
  async #person(guid: string): Promise<UserState> {
    const held = await this.people.user(guid)
    const user = held && !publishes(held) ? await this.people.confirmUser(guid) : held
    if (!user) throw new DomainError('not_found', 'user.not_found', 'This user does not exist.')
    return user
  }
}

const publishes = ({ user_role }: UserState): boolean => isAtLeast(user_role, 'publisher')
