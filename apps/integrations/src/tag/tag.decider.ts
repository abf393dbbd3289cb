import { DomainError } from '#libs/contracts'
import type { Decider } from '#libs/event-sourcing'
import type { TagEvent } from './tag.events.js'
import { tagNotFound } from './tag.refusals.js'

export type TagCommand =
  | { type: 'AddTag'; tagGuid: string; parentGuid: string | null; name: string }
  /** What is absent stays. */
  | { type: 'ChangeTag'; tagGuid: string; parentGuid?: string | null; name?: string }
  | { type: 'RemoveTag'; tagGuid: string }

interface Tag {
  readonly parentGuid: string | null
  readonly name: string
}

/** The whole tree, by guid. Those without a parent are categories. */
export type TagTree = ReadonlyMap<string, Tag>

const MOST_CHARACTERS = 255
const MOST_LEVELS = 32
const MOST_TAGS = 10_000

export const tagDecider: Decider<TagCommand, TagEvent, TagTree> = {
  get initial() {
    return new Map()
  },

  decide(command, tree) {
    switch (command.type) {
      case 'AddTag': {
        const { tagGuid, parentGuid } = command
        if (tree.has(tagGuid)) return []
        if (tree.size >= MOST_TAGS) throw tooMany()
        const name = nameOf(command.name)
        mustFit(tree, tagGuid, { parentGuid, name })
        return [{ type: 'TagAdded', data: { tagGuid, parentGuid, name } }]
      }
      case 'ChangeTag': {
        const { tagGuid } = command
        const tag = known(tree, tagGuid)
        const name = command.name === undefined ? tag.name : nameOf(command.name)
        const parentGuid = command.parentGuid === undefined ? tag.parentGuid : command.parentGuid
        mustFit(tree, tagGuid, { parentGuid, name })
        return [
          ...(name === tag.name ? [] : [{ type: 'TagRenamed', data: { tagGuid, name } } as const]),
          ...(parentGuid === tag.parentGuid ? [] : [{ type: 'TagMoved', data: { tagGuid, parentGuid } } as const]),
        ]
      }
      case 'RemoveTag':
        known(tree, command.tagGuid)
        return [{ type: 'TagsRemoved', data: { tagGuids: withDescendants(tree, command.tagGuid) } }]
    }
  },

  evolve(tree, event) {
    // The fold's own, see `Decider`: a copy for each of ten thousand tags would take seconds.
    const after = tree as Map<string, Tag>
    switch (event.type) {
      case 'TagAdded': {
        const { tagGuid, parentGuid, name } = event.data
        return after.set(tagGuid, { parentGuid, name })
      }
      case 'TagRenamed':
      case 'TagMoved': {
        const { tagGuid, ...changes } = event.data
        return after.set(tagGuid, { ...known(tree, tagGuid), ...changes })
      }
      case 'TagsRemoved':
        for (const guid of event.data.tagGuids) after.delete(guid)
        return after
    }
  },
}

function known(tree: TagTree, guid: string): Tag {
  const tag = tree.get(guid)
  if (!tag) throw tagNotFound()
  return tag
}

function nameOf(given: string): string {
  const name = given.normalize('NFC').trim()
  if (name === '') throw new DomainError('invalid', 'tag.name_blank', 'The name of a tag must not be blank.')
  if (name.length > MOST_CHARACTERS) {
    const message = `The name of a tag may have at most ${MOST_CHARACTERS} characters.`
    throw new DomainError('invalid', 'tag.name_too_long', message)
  }
  return name
}

/** Whether the tree would be one with this tag: no circle, no two of a name side by side. */
function mustFit(tree: TagTree, guid: string, { parentGuid, name }: Tag): void {
  if (parentGuid !== null && !tree.has(parentGuid)) {
    throw new DomainError('invalid', 'tag.parent_unknown', 'The parent tag does not exist.')
  }
  let levels = 1
  for (let above = parentGuid; above !== null; above = tree.get(above)?.parentGuid ?? null) {
    if (above === guid) throw new DomainError('invalid', 'tag.own_ancestor', 'A tag cannot be its own ancestor.')
    if (++levels > MOST_LEVELS) {
      throw new DomainError('invalid', 'request.parameter_invalid', `Tags may have at most ${MOST_LEVELS} levels.`)
    }
  }
  for (const [other, sibling] of tree) {
    const same =
      other !== guid && sibling.parentGuid === parentGuid && sibling.name.toLowerCase() === name.toLowerCase()
    if (same) throw new DomainError('invalid', 'tag.name_taken', 'There is a tag of this name beside it already.')
  }
}

/** The tag first, then what is under it. */
function withDescendants(tree: TagTree, guid: string): string[] {
  const found = [guid]
  for (const above of found) {
    for (const [other, { parentGuid }] of tree) if (parentGuid === above) found.push(other)
  }
  return found
}

const tooMany = (): DomainError =>
  new DomainError('invalid', 'request.parameter_invalid', `There may be at most ${MOST_TAGS} tags.`)
