import { authenticationRequired } from './refusals.js'
import type { Role } from './role.js'

/**
 * Who acts. It stands in every event for ever, so it holds guids only; names are joined when read.
 *
 * - `user`: a person with a browser session (`sid`, see `UserState.sessions`)
 * - `key`: a person's API key; `role` is the effective one, the lower of key's and owner's. `visit`: it is a short-lived one
 *   by which this content item acts as its visitor; it has no document and touches nothing of the account
 * - `content_key`: a key bound to one content item, good for the exchange only
 * - `link`: a visitor by share link · `anonymous`: nobody known
 * - `operator`: somebody at the shell · `bootstrap`: the holder of the bootstrap secret
 * - `service`: one of ours, for itself · `provider`: a login's own facts, as the OpenID provider states them
 */
export type Actor =
  | { readonly type: 'user'; readonly guid: string; readonly role: Role; readonly sid: string }
  | {
      readonly type: 'key'
      readonly guid: string
      readonly user: string
      readonly role: Role
      readonly visit?: string
    }
  | { readonly type: 'content_key'; readonly guid: string; readonly content: string; readonly owner: string }
  | { readonly type: 'link'; readonly guid: string; readonly content: string }
  | { readonly type: 'anonymous' }
  | { readonly type: 'operator'; readonly name: string }
  | { readonly type: 'bootstrap' }
  | { readonly type: 'service'; readonly name: string }
  | { readonly type: 'provider' }

/** Somebody with a user account, whether they come in a browser or by their API key. */
export interface Person {
  readonly guid: string
  /** The effective one: a key may hold less than its owner. */
  readonly role: Role
}

/** The person behind an actor, if there is one. */
export function personOf(actor: Actor): Person | undefined {
  if (actor.type === 'user') return { guid: actor.guid, role: actor.role }
  if (actor.type === 'key') return { guid: actor.user, role: actor.role }
  return undefined
}

/** The person behind an actor. @throws DomainError `authentication.required` for anybody who is not a person */
export function mustBePerson(actor: Actor): Person {
  const person = personOf(actor)
  if (!person) throw authenticationRequired()
  return person
}
