import { textOf } from '../login/claims.js'

/** Somebody in the provider's directory. */
export interface DirectoryPerson {
  /** What their logins will state as `sub`. */
  readonly uniqueId: string
  readonly email: string
  readonly firstName: string
  readonly lastName: string
}

type Json = Readonly<Record<string, unknown>>

/**
 * The people of a search's answer, each once; `undefined` when it is no such answer.
 *
 * Who somebody is, only their account's ID says: that of the source PROFILE or, where the entry has no such source, of
 * DOMAIN_PROFILE, which Google makes from the same account. Whoever has neither is left out: an address may be another
 * person's tomorrow, so nobody is ever matched by one.
 * @see https://developers.google.com/people/api/rest/v1/people#Source
 */
export function directoryPeople(body: Buffer): DirectoryPerson[] | undefined {
  const answer = objectOf(parsed(body))
  // No member `people`: nobody was found.
  const entries = answer?.['people'] ?? []
  if (!answer || !Array.isArray(entries)) return undefined
  const people = new Map<string, DirectoryPerson>()
  for (const entry of entries) {
    const person = personOf(entry)
    if (person && !people.has(person.uniqueId)) people.set(person.uniqueId, person)
  }
  return [...people.values()]
}

function personOf(value: unknown): DirectoryPerson | undefined {
  const entry = objectOf(value)
  const metadata = objectOf(entry?.['metadata'])
  const sources = objectsOf(metadata?.['sources'])
  const idOf = (type: string): unknown => sources.find((source) => source['type'] === type)?.['id']
  const uniqueId = idOf('PROFILE') ?? idOf('DOMAIN_PROFILE')
  const email = textOf(primary(objectsOf(entry?.['emailAddresses']))?.['value'])
  if (typeof uniqueId !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(uniqueId) || !email?.includes('@')) return undefined
  const name = primary(objectsOf(entry?.['names']))
  const firstName = textOf(name?.['givenName'])
  const lastName = textOf(name?.['familyName'])
  const neither = firstName === undefined && lastName === undefined
  return {
    uniqueId,
    email,
    firstName: (neither ? textOf(name?.['displayName']) : firstName) ?? '',
    lastName: lastName ?? '',
  }
}

const primary = (values: readonly Json[]): Json | undefined =>
  values.find(({ metadata }) => objectOf(metadata)?.['primary'] === true) ?? values[0]

const objectOf = (value: unknown): Json | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined

const objectsOf = (value: unknown): Json[] =>
  Array.isArray(value) ? value.map(objectOf).filter((object) => object !== undefined) : []

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown
  } catch {
    return undefined
  }
}
