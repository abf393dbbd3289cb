import { DomainError } from '#libs/contracts'
import type { AppMode } from './app-mode.js'
import type { Editor } from './editor.js'

/** Where the sources of a content item are kept; nothing is fetched from there. */
export interface GitRepository {
  /** http or https, without credentials. */
  readonly repository: string
  readonly branch: string
  readonly directory: string
  readonly polling: boolean
}

/** What the manifest of a bundle says of the content. */
export interface Manifest {
  readonly appMode: AppMode
  readonly contentCategory: string
  readonly rVersion: string | null
  readonly pyVersion: string | null
  readonly quartoVersion: string | null
}

/** Environment variables of one item. */
export const MOST_VARIABLES = 1_000

/** Bundles of one item. */
export const MOST_BUNDLES = 1_000

/** What can have happened to the things that a content item has. Part of `ContentEvent`. */
export type BelongingsEvent =
  /** Under which path the gateway shows it too: begins and ends with a slash. */
  | { type: 'VanityPathChanged'; data: { vanityPath: string | null } }
  /** Names of environment variables. Their values are nowhere. */
  | { type: 'EnvironmentChanged'; data: { added: readonly string[]; removed: readonly string[] } }
  | { type: 'RepositoryChanged'; data: { repository: GitRepository | null } }
  | { type: 'TagsChanged'; data: { added: readonly string[]; removed: readonly string[] } }
  /** `size` in bytes; `sha256` of the archive, in hex. */
  | { type: 'BundleUploaded'; data: { bundleGuid: string; size: number; sha256: string } & Manifest }
  | { type: 'BundleDeployed'; data: { bundleGuid: string; taskGuid: string } }
  | { type: 'BundleDeleted'; data: { bundleGuid: string } }

export type BelongingsCommand =
  | { type: 'ChangeVanityPath'; editor: Editor; vanityPath: string | null }
  /** What is not named stays. */
  | { type: 'ChangeEnvironment'; editor: Editor; set: readonly string[]; remove: readonly string[] }
  | { type: 'ReplaceEnvironment'; editor: Editor; names: readonly string[] }
  | { type: 'SetRepository'; editor: Editor; repository: GitRepository }
  | { type: 'ChangeRepository'; editor: Editor; changes: Partial<GitRepository> }
  | { type: 'RemoveRepository'; editor: Editor }
  | { type: 'ChangeTags'; editor: Editor; add: readonly string[]; remove: readonly string[] }
  | { type: 'UploadBundle'; editor: Editor; bundleGuid: string; size: number; sha256: string; manifest: Manifest }
  /** Without a bundle: the one that is deployed, or the newest. */
  | { type: 'DeployBundle'; editor: Editor; bundleGuid: string | undefined; taskGuid: string }
  | { type: 'DeleteBundle'; editor: Editor; bundleGuid: string }

/** What a content item has beside its own fields. */
export interface Belongings {
  readonly vanityPath: string | null
  readonly environment: ReadonlySet<string>
  readonly repository: GitRepository | null
  readonly tags: ReadonlySet<string>
  /** What each would make of the content, oldest first. */
  readonly bundles: ReadonlyMap<string, AppMode>
  /** The bundle that is deployed. */
  readonly activeBundle: string | null
}

export const noBelongings = (): Belongings => ({
  vanityPath: null,
  environment: new Set(),
  repository: null,
  tags: new Set(),
  bundles: new Map(),
  activeBundle: null,
})

/** Whoever asks may edit the content: that is asked before. */
export function decideBelongings(
  command: BelongingsCommand,
  content: Belongings & { readonly appMode: AppMode; readonly lock: object | undefined },
): (BelongingsEvent | { type: 'AppModeChanged'; data: { appMode: AppMode } })[] {
  switch (command.type) {
    case 'ChangeVanityPath': {
      const { vanityPath } = command
      return vanityPath === content.vanityPath ? [] : [{ type: 'VanityPathChanged', data: { vanityPath } }]
    }
    case 'ChangeEnvironment':
      return environmentChanged(content, command.set, command.remove)
    case 'ReplaceEnvironment': {
      const kept = new Set(command.names)
      const others = [...content.environment].filter((name) => !kept.has(name))
      return environmentChanged(content, command.names, others)
    }
    case 'SetRepository':
      return repositoryChanged(content, command.repository)
    case 'ChangeRepository':
      if (!content.repository) throw noRepository()
      return repositoryChanged(content, { ...content.repository, ...command.changes })
    case 'RemoveRepository':
      return repositoryChanged(content, null)
    case 'ChangeTags':
      return changed('TagsChanged', content.tags, command.add, command.remove)
    case 'UploadBundle': {
      if (content.lock !== undefined) throw isLocked()
      if (content.repository) throw gitManaged()
      const { bundleGuid, size, sha256, manifest } = command
      if (content.bundles.has(bundleGuid)) return []
      if (content.bundles.size >= MOST_BUNDLES) throw tooManyBundles()
      return [{ type: 'BundleUploaded', data: { bundleGuid, size, sha256, ...manifest } }]
    }
    case 'DeployBundle': {
      if (content.lock !== undefined) throw isLocked()
      const bundleGuid = command.bundleGuid ?? content.activeBundle ?? [...content.bundles.keys()].at(-1)
      const appMode = bundleGuid === undefined ? undefined : content.bundles.get(bundleGuid)
      if (bundleGuid === undefined || appMode === undefined) throw nothingToDeploy()
      return [
        ...(appMode === content.appMode ? [] : [{ type: 'AppModeChanged', data: { appMode } } as const]),
        { type: 'BundleDeployed', data: { bundleGuid, taskGuid: command.taskGuid } },
      ]
    }
    case 'DeleteBundle': {
      const { bundleGuid } = command
      if (!content.bundles.has(bundleGuid)) throw noBundle()
      if (content.activeBundle === bundleGuid) throw isActive()
      return [{ type: 'BundleDeleted', data: { bundleGuid } }]
    }
  }
}

/** Changes sets and maps where they are, see `Decider`: copies of them would make long histories slow to read. */
export function evolveBelongings(belongings: Belongings, event: BelongingsEvent): Belongings {
  switch (event.type) {
    case 'VanityPathChanged':
    case 'RepositoryChanged':
      return { ...belongings, ...event.data }
    case 'EnvironmentChanged':
      change(belongings.environment, event.data)
      return belongings
    case 'TagsChanged':
      change(belongings.tags, event.data)
      return belongings
    case 'BundleUploaded': {
      const { bundleGuid, appMode } = event.data
      ;(belongings.bundles as Map<string, AppMode>).set(bundleGuid, appMode)
      return belongings
    }
    case 'BundleDeployed':
      return { ...belongings, activeBundle: event.data.bundleGuid }
    case 'BundleDeleted':
      ;(belongings.bundles as Map<string, AppMode>).delete(event.data.bundleGuid)
      return belongings
  }
}

function environmentChanged(
  { environment }: Belongings,
  set: readonly string[],
  remove: readonly string[],
): BelongingsEvent[] {
  const events = changed('EnvironmentChanged', environment, set, remove)
  if (
    events.some(({ data: { added, removed } }) => environment.size + added.length - removed.length > MOST_VARIABLES)
  ) {
    const message = `A content item may have at most ${MOST_VARIABLES} environment variables.`
    throw new DomainError('invalid', 'request.parameter_invalid', message)
  }
  return events
}

function changed<Type extends 'EnvironmentChanged' | 'TagsChanged'>(
  type: Type,
  before: ReadonlySet<string>,
  add: readonly string[],
  remove: readonly string[],
): { type: Type; data: { added: string[]; removed: string[] } }[] {
  const added = [...new Set(add)].filter((each) => !before.has(each)).sort()
  const removed = [...new Set(remove)].filter((each) => before.has(each)).sort()
  return added.length + removed.length === 0 ? [] : [{ type, data: { added, removed } }]
}

function change(
  names: ReadonlySet<string>,
  { added, removed }: { added: readonly string[]; removed: readonly string[] },
): void {
  const own = names as Set<string>
  for (const each of removed) own.delete(each)
  for (const each of added) own.add(each)
}

function repositoryChanged(content: Belongings, repository: GitRepository | null): BelongingsEvent[] {
  const same = JSON.stringify(inOrder(repository)) === JSON.stringify(inOrder(content.repository))
  return same ? [] : [{ type: 'RepositoryChanged', data: { repository } }]
}

const inOrder = (repository: GitRepository | null): unknown[] | null =>
  repository && [repository.repository, repository.branch, repository.directory, repository.polling]

export const noRepository = (): DomainError =>
  new DomainError('not_found', 'object.not_found', 'This content does not come from a git repository.')

const gitManaged = (): DomainError =>
  new DomainError(
    'conflict',
    'bundle.git_managed',
    'This content comes from a git repository: bundles cannot be uploaded to it.',
  )

const isLocked = (): DomainError =>
  new DomainError('forbidden', 'bundle.content_locked', 'This content is locked: nothing can be deployed to it.')

const tooManyBundles = (): DomainError =>
  new DomainError(
    'invalid',
    'request.parameter_invalid',
    `A content item may have at most ${MOST_BUNDLES} bundles: delete one first.`,
  )

export const nothingToDeploy = (): DomainError =>
  new DomainError('not_found', 'bundle.none_to_deploy', 'This content has no such bundle to deploy.')

export const noBundle = (): DomainError =>
  new DomainError('not_found', 'object.not_found', 'This content has no such bundle.')

const isActive = (): DomainError =>
  new DomainError('invalid', 'bundle.active', 'The bundle that is deployed cannot be deleted.')
