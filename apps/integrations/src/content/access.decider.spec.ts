import { MOST_SHARE_LINKS } from '#libs/contracts'
import { specification } from '#libs/event-sourcing'
import { contentDecider, type ContentChanges } from './content.decider.js'
import type { ContentEvent } from './content.events.js'
import type { Editor } from './editor.js'
import { MOST_PERMISSIONS, type PermissionRole, type Principal } from './permission.rules.js'

const content = specification(contentDecider)

const priya: Editor = { guid: 'priya', role: 'publisher' }
const paul: Editor = { guid: 'paul', role: 'publisher' }
const alice: Editor = { guid: 'alice', role: 'administrator' }
const now = new Date('2026-11-22T12:00:00Z')

const registered: ContentEvent = {
  type: 'ContentRegistered',
  data: { ownerGuid: 'priya', name: 'sales', title: null, description: '', accessType: 'acl' },
}
const granted = (
  principalGuid: string,
  role: PermissionRole,
  principalType: 'user' | 'group' = 'user',
): ContentEvent => ({
  type: 'PermissionGranted',
  data: { principalGuid, principalType, role },
})
const changed = (principalGuid: string, role: PermissionRole): ContentEvent => ({
  type: 'PermissionChanged',
  data: { principalGuid, role },
})
const revoked = (principalGuid: string): ContentEvent => ({ type: 'PermissionRevoked', data: { principalGuid } })
const user = (guid: string, mayPublish = true): Principal => ({ guid, type: 'user', mayPublish })
const change = (editor: Editor, changes: ContentChanges) =>
  ({ type: 'ChangeContent', editor, changes, widest: 'all' }) as const
const describeIt = { title: 'Sales' }
const described: ContentEvent = { type: 'ContentDescribed', data: { title: 'Sales', description: '' } }

describe('who may change content', () => {
  it.each([
    ['its owner', priya, []],
    ['an administrator', alice, []],
    ['a collaborator', paul, [granted('paul', 'owner')]],
    ['a collaborator by group', { ...paul, groupGuids: ['team'] }, [granted('team', 'owner', 'group')]],
  ])('%s', (_, editor, given) => {
    content
      .given(registered, ...given)
      .when(change(editor, describeIt))
      .then(described)
  })

  it.each([
    ['somebody', paul, []],
    ['who may view', paul, [granted('paul', 'viewer')]],
    ['who may view by group', { ...paul, groupGuids: ['team'] }, [granted('team', 'viewer', 'group')]],
    ['a collaborator who is a viewer now', { ...paul, role: 'viewer' as const }, [granted('paul', 'owner')]],
    ['a former collaborator', paul, [granted('paul', 'owner'), revoked('paul')]],
    ['a collaborator who only views now', paul, [granted('paul', 'owner'), changed('paul', 'viewer')]],
  ])('not %s', (_, editor, given) => {
    content
      .given(registered, ...given)
      .when(change(editor, describeIt))
      .thenRefused('permission.denied')
  })
})

describe('permissions', () => {
  const set = (principal: Principal, role: PermissionRole, editor = priya) =>
    ({ type: 'SetPermission', editor, principal, role }) as const

  it('are given, changed, and given again for nothing', () => {
    content
      .given(registered)
      .when(set(user('vera'), 'viewer'))
      .then(granted('vera', 'viewer'))
    content
      .given(registered, granted('vera', 'viewer'))
      .when(set(user('vera'), 'owner'))
      .then(changed('vera', 'owner'))
    content
      .given(registered, granted('vera', 'viewer'))
      .when(set(user('vera'), 'viewer'))
      .thenNothing()
  })

  it('are not for the owner, nor collaboration for those who cannot publish', () => {
    content
      .given(registered)
      .when(set(user('priya'), 'owner'))
      .thenRefused('permission.principal_is_owner')
    content
      .given(registered)
      .when(set(user('vera', false), 'owner'))
      .thenRefused('permission.collaborator_cannot_publish')
  })

  it('are so many and no more', () => {
    const full = Array.from({ length: MOST_PERMISSIONS }, (_, at) => granted(`user-${at}`, 'viewer'))
    content
      .given(registered, ...full)
      .when(set(user('vera'), 'viewer'))
      .thenRefused('request.parameter_invalid')
    content
      .given(registered, ...full)
      .when(set(user('user-1'), 'owner'))
      .then(changed('user-1', 'owner'))
  })

  it('GRP-12 go with their principal, also where there is nothing left to go', () => {
    const drop = { type: 'DropPrincipal', principalGuid: 'team' } as const
    content
      .given(registered, granted('team', 'viewer', 'group'))
      .when(drop)
      .then(revoked('team'))
    content.given(registered).when(drop).thenNothing()
    content.given(registered, { type: 'ContentDeleted', data: {} }).when(drop).thenNothing()
  })

  it('are handed on: the higher role stays, the owner needs none, a viewer collaborates with nobody', () => {
    const give = (to: Principal) => ({ type: 'GivePermission', from: 'paul', to }) as const
    const given = content.given(registered, granted('paul', 'owner'))
    given.when(give(user('petra'))).then(revoked('paul'), granted('petra', 'owner'))
    given.when(give(user('vera', false))).then(revoked('paul'), granted('vera', 'viewer'))
    given.when(give(user('priya'))).then(revoked('paul'))
    given.when(give(user('paul'))).thenNothing()
    content
      .given(registered, granted('paul', 'viewer'), granted('petra', 'owner'))
      .when(give(user('petra')))
      .then(revoked('paul'))
    content
      .given(registered, granted('paul', 'owner'), granted('petra', 'viewer'))
      .when(give(user('petra')))
      .then(revoked('paul'), changed('petra', 'owner'))
  })
})

describe('the owner', () => {
  const given = (ownerGuid: string): ContentEvent => ({ type: 'ContentOwnerChanged', data: { ownerGuid } })

  it('is changed by owner and administrators, not by collaborators', () => {
    content
      .given(registered)
      .when(change(priya, { ownerGuid: 'paul' }))
      .then(given('paul'))
    content
      .given(registered)
      .when(change(alice, { ownerGuid: 'paul' }))
      .then(given('paul'))
    content
      .given(registered)
      .when(change(priya, { ownerGuid: 'priya' }))
      .thenNothing()
    content
      .given(registered, granted('paul', 'owner'))
      .when(change(paul, { ownerGuid: 'paul' }))
      .thenRefused('permission.denied')
  })

  it('has no entry of their own any more', () => {
    content
      .given(registered, granted('paul', 'viewer'), given('paul'))
      .when({ type: 'RevokePermission', editor: paul, principalGuid: 'paul' })
      .thenNothing()
  })
})

describe('access on a server that limits it', () => {
  const opened = (accessType: 'acl' | 'logged_in' | 'all'): ContentEvent => ({
    type: 'AccessTypeChanged',
    data: { accessType },
  })
  const open = (accessType: 'acl' | 'logged_in' | 'all') =>
    ({ type: 'ChangeContent', editor: priya, changes: { accessType }, widest: 'acl' }) as const

  it('is narrowed step by step, and not widened again', () => {
    content.given(registered, opened('all')).when(open('logged_in')).then(opened('logged_in'))
    content.given(registered, opened('all'), opened('logged_in')).when(open('acl')).then(opened('acl'))
    for (const present of ['acl', 'logged_in'] as const)
      content.given(registered, opened(present)).when(open('all')).thenRefused('content.access_type_prohibited')
    content.given(registered).when(open('logged_in')).thenRefused('content.access_type_prohibited')
  })
})

describe('a lock', () => {
  const locked = (message: string): ContentEvent => ({ type: 'ContentLocked', data: { message } })
  const unlocked: ContentEvent = { type: 'ContentUnlocked', data: {} }

  it('is set, gets another message, and is taken away', () => {
    content
      .given(registered)
      .when(change(priya, { locked: true }))
      .then(locked(''))
    content
      .given(registered, locked(''))
      .when(change(priya, { lockedMessage: 'Soon' }))
      .then(locked('Soon'))
    content
      .given(registered, locked('Soon'))
      .when(change(priya, { locked: true }))
      .thenNothing()
    content
      .given(registered, locked('Soon'))
      .when(change(alice, { locked: false }))
      .then(unlocked)
    content
      .given(registered)
      .when(change(priya, { lockedMessage: 'Soon' }))
      .thenNothing()
  })

  it('of an administrator is undone by administrators only, whoever owns the content', () => {
    const lockedByAlice: ContentEvent = { type: 'ContentLocked', data: { message: 'Ask us', byAdministrator: true } }
    const held = [registered, lockedByAlice]
    content
      .given(registered)
      .when(change(alice, { locked: true, lockedMessage: 'Ask us' }))
      .then(lockedByAlice)
    content
      .given(registered, locked(''))
      .when(change(alice, { lockedMessage: 'Ask us' }))
      .then(lockedByAlice)
    // Also with the words that its owner chose; only saying so does it.
    const lockedByPriya = [registered, locked('Ask us')]
    content
      .given(...lockedByPriya)
      .when(change(alice, { locked: true }))
      .then(lockedByAlice)
    content
      .given(...lockedByPriya)
      .when(change(alice, { locked: true, lockedMessage: 'Ask us' }))
      .then(lockedByAlice)
    content
      .given(...lockedByPriya)
      .when(change(alice, { lockedMessage: 'Ask us' }))
      .thenNothing()
    content
      .given(...held)
      .when(change({ ...alice, guid: 'another' }, { locked: true }))
      .thenNothing()
    for (const changes of [{ locked: false }, { lockedMessage: '' }, { locked: true, lockedMessage: 'Back soon' }]) {
      content
        .given(...held)
        .when(change(priya, changes))
        .thenRefused('permission.denied')
    }
    content
      .given(...held)
      .when(change(priya, { locked: true, title: 'What a client read' }))
      .then({ type: 'ContentDescribed', data: { title: 'What a client read', description: '' } })
    content
      .given(...held)
      .when(change({ ...alice, guid: 'another' }, { locked: false }))
      .then(unlocked)
    content
      .given(...held, unlocked)
      .when(change(priya, { locked: true }))
      .then(locked(''))
    const given: ContentEvent = { type: 'ContentOwnerChanged', data: { ownerGuid: 'paul' } }
    content
      .given(...held, given)
      .when(change(paul, { locked: false }))
      .thenRefused('permission.denied')
    // Of their own content they are owners like others.
    content
      .given(registered, { type: 'ContentOwnerChanged', data: { ownerGuid: 'alice' } })
      .when(change(alice, { locked: true }))
      .then(locked(''))
  })

  it('keeps everybody from deploying', () => {
    const deploy = { type: 'DeployBundle', editor: priya, bundleGuid: undefined, taskGuid: 'task' } as const
    content.given(registered, locked('')).when(deploy).thenRefused('bundle.content_locked')
    content.given(registered, locked(''), unlocked).when(deploy).thenRefused('bundle.none_to_deploy')
  })

  it('is not the collaborators’', () => {
    content
      .given(registered, granted('paul', 'owner'))
      .when(change(paul, { locked: true }))
      .thenRefused('permission.denied')
  })
})

describe('settings', () => {
  it('are recorded where they differ from what there was', () => {
    const settings = { max_processes: 3, min_processes: null, run_as_current_user: false }
    const recorded: ContentEvent = { type: 'RuntimeSettingsChanged', data: { settings: { max_processes: 3 } } }
    content.given(registered).when(change(priya, { settings })).then(recorded)
    content.given(registered, recorded).when(change(priya, { settings })).thenNothing()
    content
      .given(registered, recorded)
      .when(change(priya, { settings: { max_processes: null } }))
      .then({ type: 'RuntimeSettingsChanged', data: { settings: { max_processes: null } } })
  })
})

describe('share links', () => {
  const link = (linkGuid: string, expiresAt: string | null = null) => ({
    linkGuid,
    tokenHash: `hash-${linkGuid}`,
    expiresAt,
  })
  const created = (linkGuid: string, expiresAt: string | null = null): ContentEvent => ({
    type: 'ShareLinkCreated',
    data: link(linkGuid, expiresAt),
  })
  const over: ContentEvent = { type: 'ShareLinkRevoked', data: { linkGuid: 'old' } }
  const create = (linkGuid: string, expiresAt: string | null = null, editor = priya) =>
    ({ type: 'CreateShareLink', editor, link: link(linkGuid, expiresAt), now }) as const

  it('are made by those who may change the content, and clear away those that have ended', () => {
    content.given(registered).when(create('new')).then(created('new'))
    content.given(registered, created('old', '2026-11-22T11:00:00Z')).when(create('new')).then(over, created('new'))
    content
      .given(registered)
      .when(create('new', null, paul))
      .thenRefused('permission.denied')
    content.given(registered).when(create('new', '2026-11-22T12:00:00Z')).thenRefused('request.parameter_invalid')
  })

  it('are so many and no more', () => {
    const full = Array.from({ length: MOST_SHARE_LINKS }, (_, at) => created(`link-${at}`))
    content
      .given(registered, ...full)
      .when(create('new'))
      .thenRefused('request.parameter_invalid')
  })

  it('are revoked once', () => {
    const revoke = { type: 'RevokeShareLink', editor: priya, linkGuid: 'old' } as const
    content.given(registered, created('old')).when(revoke).then(over)
    content.given(registered, created('old'), over).when(revoke).thenRefused('share_link.not_found')
  })
})
