import { specification } from '#libs/event-sourcing'
import { MOST_BUNDLES, type GitRepository, type Manifest } from './belongings.js'
import { contentDecider } from './content.decider.js'
import type { ContentEvent } from './content.events.js'
import type { Editor } from './editor.js'

const content = specification(contentDecider)

const priya: Editor = { guid: 'priya', role: 'publisher' }
const paul: Editor = { guid: 'paul', role: 'publisher' }
const registered: ContentEvent = {
  type: 'ContentRegistered',
  data: { ownerGuid: 'priya', name: 'sales', title: null, description: '', accessType: 'acl' },
}
const locked: ContentEvent = { type: 'ContentLocked', data: { message: '' } }
const manifest = (appMode: Manifest['appMode']): Manifest => ({
  appMode,
  contentCategory: '',
  rVersion: null,
  pyVersion: null,
  quartoVersion: null,
})
const uploaded = (bundleGuid: string, appMode: Manifest['appMode'] = 'shiny'): ContentEvent => ({
  type: 'BundleUploaded',
  data: { bundleGuid, size: 1, sha256: '00', ...manifest(appMode) },
})
const deployed = (bundleGuid: string, taskGuid = 'task'): ContentEvent => ({
  type: 'BundleDeployed',
  data: { bundleGuid, taskGuid },
})
const runs = (appMode: Manifest['appMode']): ContentEvent => ({ type: 'AppModeChanged', data: { appMode } })
const git: GitRepository = { repository: 'https://git.example/x', branch: 'main', directory: '.', polling: true }
const fromGit: ContentEvent = { type: 'RepositoryChanged', data: { repository: git } }

describe('what belongs to content', () => {
  it('is for those who may edit it', () => {
    for (const command of [
      { type: 'ChangeVanityPath', vanityPath: '/x/' },
      { type: 'ChangeEnvironment', set: ['A'], remove: [] },
      { type: 'ReplaceEnvironment', names: ['A'] },
      { type: 'SetRepository', repository: git },
      { type: 'RemoveRepository' },
      { type: 'ChangeTags', add: ['tag'], remove: [] },
      { type: 'UploadBundle', bundleGuid: 'one', size: 1, sha256: '00', manifest: manifest('shiny') },
      { type: 'DeployBundle', bundleGuid: undefined, taskGuid: 'task' },
      { type: 'DeleteBundle', bundleGuid: 'one' },
    ] as const) {
      content
        .given(registered)
        .when({ ...command, editor: paul })
        .thenRefused('permission.denied')
      content
        .given()
        .when({ ...command, editor: priya })
        .thenRefused('content.not_found')
    }
  })

  it('has at most a thousand bundles', () => {
    const full = Array.from({ length: MOST_BUNDLES }, (_, at) => uploaded(`bundle-${at}`))
    const upload = { type: 'UploadBundle', editor: priya, bundleGuid: 'one', size: 1, sha256: '00' } as const
    const another = { ...upload, manifest: manifest('shiny') }
    content
      .given(registered, ...full)
      .when(another)
      .thenRefused('request.parameter_invalid')
    content
      .given(registered, ...full, { type: 'BundleDeleted', data: { bundleGuid: 'bundle-7' } })
      .when(another)
      .then(uploaded('one'))
  })

  it('is read in a time that grows with its history and not with the square of it', () => {
    const names = Array.from({ length: 20_000 }, (_, at) => `tag-${at}`)
    const before = process.cpuUsage()
    content
      .given(
        registered,
        ...names.map((tag): ContentEvent => ({ type: 'TagsChanged', data: { added: [tag], removed: [] } })),
      )
      .when({ type: 'ChangeTags', editor: priya, add: names, remove: [] })
      .thenNothing()
    expect(process.cpuUsage(before).user).toBeLessThan(2_000_000)
  })

  it('has a vanity path, which is left and not repeated', () => {
    const set = (vanityPath: string | null) => ({ type: 'ChangeVanityPath', editor: priya, vanityPath }) as const
    const changed = (vanityPath: string | null): ContentEvent => ({ type: 'VanityPathChanged', data: { vanityPath } })
    content.given(registered).when(set('/x/')).then(changed('/x/'))
    content.given(registered, changed('/x/')).when(set('/x/')).thenNothing()
    content.given(registered, changed('/x/')).when(set(null)).then(changed(null))
    content.given(registered).when(set(null)).thenNothing()
  })

  it('has names of variables: only what differs is recorded', () => {
    const has = (...added: string[]): ContentEvent => ({ type: 'EnvironmentChanged', data: { added, removed: [] } })
    content
      .given(registered, has('A', 'B'))
      .when({ type: 'ChangeEnvironment', editor: priya, set: ['C', 'A'], remove: ['B', 'X'] })
      .then({ type: 'EnvironmentChanged', data: { added: ['C'], removed: ['B'] } })
    content
      .given(registered, has('A', 'B'))
      .when({ type: 'ReplaceEnvironment', editor: priya, names: ['B', 'C'] })
      .then({ type: 'EnvironmentChanged', data: { added: ['C'], removed: ['A'] } })
    content
      .given(registered, has('A'))
      .when({ type: 'ReplaceEnvironment', editor: priya, names: ['A'] })
      .thenNothing()
  })

  it('has tags: only what differs is recorded', () => {
    content
      .given(registered, { type: 'TagsChanged', data: { added: ['a', 'b'], removed: [] } })
      .when({ type: 'ChangeTags', editor: priya, add: ['a', 'c'], remove: ['b', 'z'] })
      .then({ type: 'TagsChanged', data: { added: ['c'], removed: ['b'] } })
  })

  it('has a repository, of which a change keeps the rest', () => {
    content
      .given(registered, fromGit)
      .when({ type: 'ChangeRepository', editor: priya, changes: { branch: 'dev' } })
      .then({ type: 'RepositoryChanged', data: { repository: { ...git, branch: 'dev' } } })
    content
      .given(registered, fromGit)
      .when({ type: 'ChangeRepository', editor: priya, changes: { branch: 'main' } })
      .thenNothing()
    content
      .given(registered)
      .when({ type: 'ChangeRepository', editor: priya, changes: {} })
      .thenRefused('object.not_found')
    content.given(registered).when({ type: 'RemoveRepository', editor: priya }).thenNothing()
  })

  describe('bundles', () => {
    const deploy = (bundleGuid?: string) =>
      ({ type: 'DeployBundle', editor: priya, bundleGuid, taskGuid: 'task' }) as const

    it('CONTENT-12 say what runs the content when they are deployed, and not before', () => {
      content.given(registered, uploaded('one', 'static')).when(deploy('one')).then(runs('static'), deployed('one'))
      content.given(registered, runs('static'), uploaded('one', 'static')).when(deploy('one')).then(deployed('one'))
    })

    it('are chosen by name, else again the one that is deployed, else the newest', () => {
      const two = [registered, runs('shiny'), uploaded('one'), uploaded('two')]
      content
        .given(...two)
        .when(deploy('one'))
        .then(deployed('one'))
      content
        .given(...two)
        .when(deploy())
        .then(deployed('two'))
      content
        .given(...two, deployed('one'))
        .when(deploy())
        .then(deployed('one'))
      content.given(registered).when(deploy()).thenRefused('bundle.none_to_deploy')
      content.given(registered, uploaded('one')).when(deploy('two')).thenRefused('bundle.none_to_deploy')
    })

    it('are deleted unless they are deployed', () => {
      const remove = (bundleGuid: string) => ({ type: 'DeleteBundle', editor: priya, bundleGuid }) as const
      const given = [registered, uploaded('one'), uploaded('two'), deployed('one')]
      content
        .given(...given)
        .when(remove('two'))
        .then({ type: 'BundleDeleted', data: { bundleGuid: 'two' } })
      content
        .given(...given)
        .when(remove('one'))
        .thenRefused('bundle.active')
      content
        .given(...given)
        .when(remove('three'))
        .thenRefused('object.not_found')
    })

    it('do not come to content that is locked or comes from git', () => {
      const upload = {
        type: 'UploadBundle',
        editor: priya,
        bundleGuid: 'one',
        size: 1,
        sha256: '00',
        manifest: manifest('shiny'),
      } as const
      content.given(registered).when(upload).then(uploaded('one'))
      content.given(registered, uploaded('one')).when(upload).thenNothing()
      content.given(registered, fromGit).when(upload).thenRefused('bundle.git_managed')
      content.given(registered, locked).when(upload).thenRefused('bundle.content_locked')
      content.given(registered, uploaded('one'), locked).when(deploy('one')).thenRefused('bundle.content_locked')
    })
  })
})
