import { Injectable } from '@nestjs/common'
import { DomainError } from '#libs/contracts'
import { People, type ShownPerson } from '../replica/people.js'
import type { SeenContent } from './content.queries.js'

/** What `include` may name; the last two are for clients of old, and add nothing. */
export const INCLUDES = ['owner', 'tags', 'vanity_url', 'bookmarked', 'schedule'] as const
export type Include = (typeof INCLUDES)[number]

/** What is added to some items, by guid: absent where there is nothing, since clients compare whole objects. */
export type Contribution = (contents: readonly SeenContent[]) => Promise<ReadonlyMap<string, unknown>>

/** As many owners who are not known here as are asked for at identity. */
const MOST_ASKED = 10

/** @throws DomainError `content.include_unknown` */
export function includesOf(text = ''): Include[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
  const unknown = names.some((name) => !(INCLUDES as readonly string[]).includes(name))
  if (unknown) {
    throw new DomainError('invalid', 'content.include_unknown', `The include must be some of ${INCLUDES.join(', ')}.`)
  }
  return [...new Set(names as Include[])]
}

/** What a content item can be shown with, beside its own fields. */
@Injectable()
export class ContentIncludes {
  readonly #contributions = new Map<Include, Contribution>()

  constructor(private readonly people: People) {
    this.add('owner', (contents) => this.#owners(contents))
  }

  /** Says where the values of an include come from. */
  add(include: Include, contribution: Contribution): void {
    this.#contributions.set(include, contribution)
  }

  /** The additional members of each item, by guid. */
  async of(contents: readonly SeenContent[], includes: readonly Include[]): Promise<Map<string, object>> {
    const members = new Map<string, Record<string, unknown>>(contents.map(({ guid }) => [guid, {}]))
    for (const include of includes) {
      const values = await this.#contributions.get(include)?.(contents)
      for (const [guid, value] of values ?? []) members.get(guid)![include] = value
    }
    return members
  }

  async #owners(contents: readonly SeenContent[]): Promise<Map<string, ShownPerson>> {
    const guids = [...new Set(contents.map(({ ownerGuid }) => ownerGuid))]
    const names = await this.people.names(guids)
    const missing = guids.filter((guid) => !names.has(guid))
    if (missing.length > 0 && missing.length <= MOST_ASKED) {
      // A name is worth a question, and not a refusal.
      const found = await Promise.all(missing.map((guid) => this.people.user(guid).catch(() => undefined)))
      for (const user of found) if (user) names.set(user.guid, user)
    }
    return new Map(
      contents.map(({ guid, ownerGuid }) => {
        const { username = '', first_name = '', last_name = '' } = names.get(ownerGuid) ?? {}
        return [guid, { guid: ownerGuid, username, first_name, last_name }]
      }),
    )
  }
}
