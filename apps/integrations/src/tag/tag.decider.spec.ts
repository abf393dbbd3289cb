import { specification } from '#libs/event-sourcing'
import { tagDecider } from './tag.decider.js'
import type { TagEvent } from './tag.events.js'

const tags = specification(tagDecider)

const added = (tagGuid: string, parentGuid: string | null = null, name = tagGuid): TagEvent => ({
  type: 'TagAdded',
  data: { tagGuid, parentGuid, name },
})
const add = (tagGuid: string, parentGuid: string | null = null, name = tagGuid) =>
  ({ type: 'AddTag', tagGuid, parentGuid, name }) as const
const change = (tagGuid: string, changes: object) => ({ type: 'ChangeTag', tagGuid, ...changes }) as const
const tree = [added('root'), added('a', 'root'), added('b', 'root'), added('c', 'a')]

describe('tags', () => {
  it('are added under others, with their name as people would write it', () => {
    tags
      .given(...tree)
      .when(add('d', 'c', '  cafe\u0301 '))
      .then(added('d', 'c', 'café'))
    tags
      .given(...tree)
      .when(add('a', 'root'))
      .thenNothing()
  })

  it.each<[ReturnType<typeof add>, string]>([
    [add('x', null, ' '), 'tag.name_blank'],
    [add('x', null, 'x'.repeat(256)), 'tag.name_too_long'],
    [add('x', 'nowhere'), 'tag.parent_unknown'],
    [add('x', 'root', 'A'), 'tag.name_taken'],
  ])('are refused: %j', (command, code) => {
    tags
      .given(...tree)
      .when(command)
      .thenRefused(code)
  })

  it('are read in a time that grows with their history and not with the square of it', () => {
    const many = Array.from({ length: 10_000 }, (_, at) => added(`tag-${at}`))
    const before = process.cpuUsage()
    tags
      .given(...many)
      .when(add('tag-7'))
      .thenNothing()
    expect(process.cpuUsage(before).user).toBeLessThan(1_000_000)
    tags.when({ type: 'RemoveTag', tagGuid: 'tag-7' }).thenRefused('object.not_found')
  })

  it('are renamed and moved, in one', () => {
    tags
      .given(...tree)
      .when(change('c', { name: 'd', parentGuid: 'b' }))
      .then(
        { type: 'TagRenamed', data: { tagGuid: 'c', name: 'd' } },
        { type: 'TagMoved', data: { tagGuid: 'c', parentGuid: 'b' } },
      )
    tags
      .given(...tree)
      .when(change('c', { name: 'c' }))
      .thenNothing()
    tags
      .given(...tree)
      .when(change('a', { name: 'A' }))
      .then({ type: 'TagRenamed', data: { tagGuid: 'a', name: 'A' } })
    tags
      .given(...tree)
      .when(change('a', { name: 'b' }))
      .thenRefused('tag.name_taken')
    tags
      .given(...tree)
      .when(change('x', {}))
      .thenRefused('object.not_found')
  })

  it('are never under themselves', () => {
    for (const parentGuid of ['a', 'c']) {
      tags
        .given(...tree)
        .when(change('a', { parentGuid }))
        .thenRefused('tag.own_ancestor')
    }
  })

  it('have an end, downwards', () => {
    const deep = Array.from({ length: 32 }, (_, level) => added(`${level}`, level === 0 ? null : `${level - 1}`))
    tags
      .given(...deep)
      .when(add('x', '31'))
      .thenRefused('request.parameter_invalid')
    tags
      .given(...deep)
      .when(add('x', '30'))
      .then(added('x', '30'))
  })

  it('are removed with all under them', () => {
    tags
      .given(...tree)
      .when({ type: 'RemoveTag', tagGuid: 'a' })
      .then({ type: 'TagsRemoved', data: { tagGuids: ['a', 'c'] } })
    tags
      .given(...tree, { type: 'TagsRemoved', data: { tagGuids: ['a', 'c'] } })
      .when({ type: 'RemoveTag', tagGuid: 'a' })
      .thenRefused('object.not_found')
  })
})
