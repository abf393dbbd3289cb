import type { Person, Role } from '#libs/contracts'
import { specification } from '#libs/event-sourcing'
import { mayCreate, type GroupEditor } from './group-rules.js'
import { groupDecider, type GroupChanges } from './group.decider.js'
import type { GroupEvent } from './group.events.js'

const group = specification(groupDecider)

const person = (guid: string, role: Role): Person => ({ guid, role })
const alice = person('alice', 'administrator')
const priya = person('priya', 'publisher')
const paul = person('paul', 'publisher')
const vera = person('vera', 'viewer')

const created = (data: Partial<Extract<GroupEvent, { type: 'GroupCreated' }>['data']> = {}): GroupEvent => ({
  type: 'GroupCreated',
  data: { name: 'analysts', ownerGuid: 'priya', uniqueId: null, ...data },
})
const ownerless = created({ ownerGuid: null })
const deleted: GroupEvent = { type: 'GroupDeleted', data: {} }
const change = (editor: GroupEditor, changes: GroupChanges, autoProvisioned = false) =>
  ({ type: 'ChangeGroup', editor, changes, autoProvisioned }) as const

describe('creating a group', () => {
  const create = (name: string, uniqueId: string | null = null) =>
    ({ type: 'CreateGroup', name, ownerGuid: 'priya', uniqueId }) as const

  it('is done once', () => {
    group.when(create('analysts')).then(created())
    group.given(created()).when(create('analysts')).thenNothing()
    group.given(created(), deleted).when(create('analysts')).thenNothing()
  })

  it('GRP-18 leaves the owner out when a login does it', () => {
    group.when({ ...create('analysts'), ownerGuid: null }).then(ownerless)
  })

  it.each(['', '   ', 'x'.repeat(256), 'a\nb', 'a\0b', '\ud800'])('needs a name, not %j', (name) => {
    group.when(create(name)).thenRefused('group.name_invalid')
  })

  it.each(['analysts\u200b', '\u202eanalysts', 'ana\u00adlysts'])('H05 is not named like another: %j', (name) => {
    group.when(create(name)).thenRefused('group.name_invalid')
  })

  it.each(['Ä 1', ' padded ', 'x'.repeat(255), 'group_1|group_2', '😀'])('takes the name %j as it is', (name) => {
    group.when(create(name)).then(created({ name }))
  })

  it.each(['', ' ', 'x'.repeat(256), '\t'])('GRP-34 takes no unique ID like %j', (uniqueId) => {
    group.when(create('analysts', uniqueId)).thenRefused('group.unique_id_blank')
  })

  it.each([
    [vera, false, false],
    [vera, true, false],
    [priya, false, false],
    [priya, true, true],
    [alice, false, true],
    [alice, true, true],
  ])('GRP-09 by %j when publishers can own groups: %s', (by, publishersCanOwnGroups, may) => {
    expect(mayCreate(by, { publishersCanOwnGroups })).toBe(may)
  })
})

describe('changing a group', () => {
  const renamed = { type: 'GroupRenamed', data: { name: 'scientists' } } as const

  it.each<[string, GroupEditor]>([
    ['an administrator', alice],
    ['its owner', priya],
    ['an operator', 'operator'],
  ])('GRP-30a renames it, by %s', (_, editor) => {
    group
      .given(created())
      .when(change(editor, { name: 'scientists' }))
      .then(renamed)
  })

  it.each<[string, GroupEditor, GroupEvent]>([
    ['another publisher', paul, created()],
    ['a viewer', vera, created()],
    ['its owner with a viewer’s key', person('priya', 'viewer'), created()],
    ['a publisher, when it has no owner', paul, ownerless],
  ])('is refused to %s', (_, editor, before) => {
    group
      .given(before)
      .when(change(editor, { name: 'scientists' }))
      .thenRefused('permission.denied')
    group.given(before).when({ type: 'DeleteGroup', editor }).thenRefused('permission.denied')
  })

  it('does nothing where it is so already, and refuses bad names', () => {
    group
      .given(created())
      .when(change(alice, { name: 'analysts', ownerGuid: 'priya', uniqueId: null }))
      .thenNothing()
    group.given(created()).when(change(alice, {})).thenNothing()
    group
      .given(created())
      .when(change(alice, { name: '' }))
      .thenRefused('group.name_invalid')
  })

  it('is one append', () => {
    group
      .given(created())
      .when(change(alice, { name: 'scientists', ownerGuid: 'paul' }))
      .then(renamed, { type: 'GroupOwnerChanged', data: { ownerGuid: 'paul' } })
  })

  it.each<[string, GroupEditor, boolean, GroupEvent, string | null, 'done' | 'refused']>([
    ['an administrator, without auto-provisioning', alice, false, created(), 'paul', 'done'],
    ['the owner, without auto-provisioning', priya, false, created(), 'paul', 'done'],
    ['an administrator, of a group without one', alice, false, ownerless, 'paul', 'done'],
    ['an administrator, with auto-provisioning', alice, true, ownerless, 'paul', 'refused'],
    ['an operator, without auto-provisioning', 'operator', false, ownerless, 'paul', 'done'],
    ['an operator, with auto-provisioning', 'operator', true, ownerless, 'paul', 'done'],
    ['nobody, by an administrator with auto-provisioning', alice, true, created(), null, 'done'],
    ['nobody, by an administrator without auto-provisioning', alice, false, created(), null, 'refused'],
    ['nobody, by an operator with auto-provisioning', 'operator', true, created(), null, 'done'],
    ['nobody, by an operator without auto-provisioning', 'operator', false, created(), null, 'done'],
  ])('GRP-20 sets the owner by %s', (_, editor, autoProvisioned, before, ownerGuid, outcome) => {
    const result = group.given(before).when(change(editor, { ownerGuid }, autoProvisioned))
    if (outcome === 'done') result.then({ type: 'GroupOwnerChanged', data: { ownerGuid } })
    else result.thenRefused('group.owner_not_settable')
  })

  it('GRP-40 gives and takes the unique ID for operators only', () => {
    group
      .given(created())
      .when(change('operator', { uniqueId: '7c9e' }))
      .then({ type: 'GroupUniqueIdChanged', data: { uniqueId: '7c9e' } })
    group
      .given(created({ uniqueId: '7c9e' }))
      .when(change('operator', { uniqueId: null }))
      .then({ type: 'GroupUniqueIdChanged', data: { uniqueId: null } })
    group
      .given(created())
      .when(change('operator', { uniqueId: '' }))
      .thenRefused('group.unique_id_blank')
    group
      .given(created())
      .when(change(alice, { uniqueId: '7c9e' }))
      .thenRefused('permission.denied')
  })
})

describe('deleting a group', () => {
  it.each<[string, GroupEditor]>([
    ['an administrator', alice],
    ['its owner', priya],
    ['an operator', 'operator'],
  ])('GRP-17 is one event, by %s', (_, editor) => {
    group.given(created()).when({ type: 'DeleteGroup', editor }).then(deleted)
  })

  it('is the end of it', () => {
    group.given(created(), deleted).when({ type: 'DeleteGroup', editor: alice }).thenRefused('group.not_found')
    group
      .given(created(), deleted)
      .when(change(alice, { name: 'scientists' }))
      .thenRefused('group.not_found')
    group.when({ type: 'DeleteGroup', editor: alice }).thenRefused('group.not_found')
  })
})
