import { DomainError, personOf, type Actor } from '#libs/contracts'
import type { Editor } from './content/content.decider.js'

/** The person who wants a change. @throws DomainError `authentication.required` for anybody who is not a person */
export function editorOf(actor: Actor): Editor {
  const person = personOf(actor)
  if (!person)
    throw new DomainError(
      'unauthenticated',
      'authentication.required',
      'The requested operation requires authentication.',
    )
  return person
}
