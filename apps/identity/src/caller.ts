import { DomainError, personOf, type Actor, type Role } from '#libs/contracts'

/** The person behind a request. @throws DomainError `authentication.required` for anybody who is not a person */
export function callerOf(actor: Actor): { guid: string; role: Role } {
  const person = personOf(actor)
  if (person) return person
  throw new DomainError(
    'unauthenticated',
    'authentication.required',
    'The requested operation requires authentication.',
  )
}

export const denied = (): DomainError =>
  new DomainError('forbidden', 'permission.denied', "You don't have permission to perform this operation.")
