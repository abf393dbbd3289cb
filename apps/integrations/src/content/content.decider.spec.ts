import type { Person } from '#libs/contracts'
import { specification } from '#libs/event-sourcing'
import type { AppMode } from './app-mode.js'
import type { Candidate } from './association.rules.js'
import { contentDecider, type UpstreamVerdict } from './content.decider.js'
import type { ContentEvent } from './content.events.js'

const content = specification(contentDecider)

const priya: Person = { guid: 'priya', role: 'publisher' }
const paul: Person = { guid: 'paul', role: 'publisher' }
const alice: Person = { guid: 'alice', role: 'administrator' }
const github: Candidate = { guid: 'github', authType: 'Viewer', usable: true }
const robot: Candidate = { guid: 'robot', authType: 'Service Account', usable: true }

const registered: ContentEvent = {
  type: 'ContentRegistered',
  data: { ownerGuid: 'priya', name: 'sales', title: null, description: '', accessType: 'acl' },
}
const runs = (appMode: AppMode): ContentEvent => ({ type: 'AppModeChanged', data: { appMode } })
const associated = ({ guid, authType }: Candidate): ContentEvent => ({
  type: 'IntegrationAssociated',
  data: { integrationGuid: guid, authType },
})
const dissociated = ({ guid }: Candidate): ContentEvent => ({
  type: 'IntegrationDissociated',
  data: { integrationGuid: guid },
})
const deleted: ContentEvent = { type: 'ContentDeleted', data: {} }

describe('registering content', () => {
  const register = {
    type: 'RegisterContent',
    ownerGuid: 'priya',
    name: 'sales',
    title: null,
    description: '',
    accessType: 'acl',
  } as const

  it('makes the caller its owner', () => {
    content.when(register).then(registered)
  })

  it('does nothing the second time', () => {
    content.given(registered).when(register).thenNothing()
  })
})

describe('changing content', () => {
  const change = (editor: Person, changes: object, upstream?: UpstreamVerdict) =>
    ({ type: 'ChangeContent', editor, changes, upstream, widest: 'all' }) as const

  it('records only what is different', () => {
    content
      .given(registered)
      .when(change(priya, { name: 'sales', title: 'Sales', appMode: 'shiny', accessType: undefined }))
      .then({ type: 'ContentDescribed', data: { title: 'Sales', description: '' } }, runs('shiny'))
  })

  it('clears a title that is null, and keeps one that is absent', () => {
    const titled: ContentEvent = { type: 'ContentDescribed', data: { title: 'Sales', description: '' } }
    content
      .given(registered, titled)
      .when(change(priya, { title: null }))
      .then({ type: 'ContentDescribed', data: { title: null, description: '' } })
    content
      .given(registered, titled)
      .when(change(priya, { description: '' }))
      .thenNothing()
  })

  it('is refused to other publishers', () => {
    content
      .given(registered)
      .when(change(paul, { title: 'Mine' }))
      .thenRefused('permission.denied')
  })

  it('is refused once the content is deleted', () => {
    content
      .given(registered, deleted)
      .when(change(priya, { title: 'Back' }))
      .thenRefused('content.not_found')
  })

  it('says as whom it runs only for administrators, and lets others send back what is', () => {
    const runs = (run_as: string | null): ContentEvent => ({
      type: 'RuntimeSettingsChanged',
      data: { settings: { run_as } },
    })
    const to = (editor: Person, run_as: string | null) => change(editor, { settings: { run_as } })
    content.given(registered, runs('root')).when(to(priya, null)).thenRefused('permission.denied')
    content.given(registered, runs('root')).when(to(priya, 'root')).thenNothing()
    content.given(registered, runs('root')).when(to(alice, null)).then(runs(null))
  })

  describe('its upstream', () => {
    const upstreamUrl = 'http://apps.internal:8501/'
    const changed: ContentEvent = { type: 'UpstreamChanged', data: { upstreamUrl } }

    it.each<[Person, UpstreamVerdict, string]>([
      [priya, 'listed', 'changed'],
      [alice, 'listed', 'changed'],
      [priya, 'administrators_only', 'permission.denied'],
      [alice, 'administrators_only', 'changed'],
      [priya, 'outside', 'request.parameter_invalid'],
      [alice, 'outside', 'request.parameter_invalid'],
    ])('chosen by %o, when the list says %s: %s', (editor, upstream, outcome) => {
      const tried = content.given(registered).when(change(editor, { upstreamUrl }, upstream))
      if (outcome === 'changed') tried.then(changed)
      else tried.thenRefused(outcome)
    })

    it('lets anybody who may edit take it away', () => {
      content
        .given(registered, changed)
        .when(change(priya, { upstreamUrl: null }))
        .then({ type: 'UpstreamChanged', data: { upstreamUrl: null } })
    })
  })
})

describe('setting the associations of a content item', () => {
  const set = (editor: Person, ...integrations: Candidate[]) =>
    ({ type: 'SetAssociations', editor, integrations }) as const

  it('ASC-04 records only the difference', () => {
    content
      .given(registered, runs('shiny'), associated(github))
      .when(set(priya, robot))
      .then(dissociated(github), associated(robot))
  })

  it('ASC-03 removes all with an empty list', () => {
    content
      .given(registered, associated(github), associated(robot))
      .when(set(priya))
      .then(dissociated(github), dissociated(robot))
  })

  it('changes nothing when the list is the same', () => {
    content.given(registered, associated(github)).when(set(priya, github)).thenNothing()
  })

  it('refuses the same integration twice', () => {
    content
      .given(registered)
      .when(set(priya, github, github))
      .thenRefused('association.duplicate')
  })

  it('ASC-08 refuses a publisher who does not own the content', () => {
    content.given(registered).when(set(paul, github)).thenRefused('permission.denied')
  })

  it('ASC-01 refuses content that does not exist', () => {
    content.when(set(priya, github)).thenRefused('content.not_found')
  })

  it.each<[AppMode, Candidate, boolean]>([
    ['shiny', github, true],
    ['shiny', robot, true],
    ['rmd-static', github, false],
    ['rmd-static', robot, true],
    ['static', github, false],
    ['static', robot, false],
    ['unknown', github, true],
  ])('ASC-05 ASC-06 ASC-07 on %s content with %o: %s', (mode, integration, supported) => {
    const outcome = content.given(registered, runs(mode)).when(set(priya, integration))
    if (supported) outcome.then(associated(integration))
    else outcome.thenRefused('association.unsupported_auth_type')
  })

  it('drops an integration that was deleted, and only once', () => {
    const drop = { type: 'DropIntegration', integrationGuid: 'github' } as const
    content.given(registered, associated(github)).when(drop).then(dissociated(github))
    content.given(registered, associated(github), dissociated(github)).when(drop).thenNothing()
  })
})

describe('giving content to somebody else', () => {
  it('is for the operator, and changes the owner alone', () => {
    content
      .given(registered)
      .when({ type: 'GiveContent', ownerGuid: 'paul' })
      .then({ type: 'ContentOwnerChanged', data: { ownerGuid: 'paul' } })
  })

  it('lets the new owner change it, and the former one no more', () => {
    const given = { type: 'ContentOwnerChanged', data: { ownerGuid: 'paul' } } as const
    content.given(registered, given).when({ type: 'DeleteContent', editor: paul }).then(deleted)
    content.given(registered, given).when({ type: 'DeleteContent', editor: priya }).thenRefused('permission.denied')
  })

  it('does nothing the second time', () => {
    content.given(registered).when({ type: 'GiveContent', ownerGuid: 'priya' }).thenNothing()
  })

  it('needs content', () => {
    content.when({ type: 'GiveContent', ownerGuid: 'paul' }).thenRefused('content.not_found')
  })
})
