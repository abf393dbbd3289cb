import { DomainError, isAtLeast, type Actor } from '#libs/contracts'
import type { UserQueries } from './user.queries.js'

/**
 * For what people do to their own account. An API key of a lesser role than its owner's only reads: whoever finds it must
 * not make keys that outlast it, nor take away the owner's. So does one that content has for a visit.
 * @throws DomainError `permission.denied`
 */
export async function mustHaveFullPower(actor: Actor, users: Pick<UserQueries, 'find'>): Promise<void> {
  if (actor.type !== 'key') return
  if (actor.visit !== undefined)
    throw new DomainError('forbidden', 'permission.denied', 'An API key that was made for a visit can only read this.')
  const owner = await users.find(actor.user)
  if (!owner || isAtLeast(actor.role, owner.role)) return
  throw new DomainError('forbidden', 'permission.denied', 'An API key of a lesser role than its owner’s can only read.')
}
