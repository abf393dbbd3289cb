import { DomainError, type AccessType, type AuthType, type ContentKind, type Person } from '#libs/contracts'
import type { Decider } from '#libs/event-sourcing'
import { kindOf, type AppMode } from './app-mode.js'
import {
  decideBelongings,
  evolveBelongings,
  NO_BELONGINGS,
  type Belongings,
  type BelongingsCommand,
} from './belongings.js'
import type { ContentEvent } from './content.events.js'

/** What the controller has looked up about an integration, so that `decide` need not ask. */
export interface Candidate {
  readonly guid: string
  readonly authType: AuthType
}

/** What `[Content] Upstream` says of a URL; see `UpstreamList` of `#libs/service`. */
export type UpstreamVerdict = 'listed' | 'administrators_only' | 'outside'

/** The changes of a `PATCH`; what is absent stays. */
export interface ContentChanges {
  readonly name?: string
  readonly title?: string | null
  readonly description?: string
  readonly accessType?: AccessType
  readonly appMode?: AppMode
  readonly upstreamUrl?: string | null
}

export type ContentCommand =
  | {
      type: 'RegisterContent'
      ownerGuid: string
      name: string
      title: string | null
      description: string
      accessType: AccessType
    }
  /** `upstream`: what `[Content] Upstream` says of the new upstream URL, if there is one. */
  | { type: 'ChangeContent'; editor: Person; changes: ContentChanges; upstream?: UpstreamVerdict }
  /** Replaces the whole list, as `PUT …/associations` does. */
  | { type: 'SetAssociations'; editor: Person; integrations: readonly Candidate[] }
  /** An integration has been deleted: what follows here. */
  | { type: 'DropIntegration'; integrationGuid: string }
  /** By the operator, who may give everything to anybody. */
  | { type: 'GiveContent'; ownerGuid: string }
  | { type: 'DeleteContent'; editor: Person }
  | BelongingsCommand

export type Content = { readonly status: 'unknown' } | Registered | { readonly status: 'deleted' }

interface Registered extends Belongings {
  readonly status: 'registered'
  readonly ownerGuid: string
  readonly name: string
  readonly title: string | null
  readonly description: string
  readonly accessType: AccessType
  readonly appMode: AppMode
  readonly upstreamUrl: string | null
  readonly associated: ReadonlySet<string>
}

export const contentDecider: Decider<ContentCommand, ContentEvent, Content> = {
  initial: { status: 'unknown' },

  decide(command, state) {
    switch (command.type) {
      case 'RegisterContent': {
        if (state.status !== 'unknown') return []
        const { ownerGuid, name, title, description, accessType } = command
        return [{ type: 'ContentRegistered', data: { ownerGuid, name, title, description, accessType } }]
      }
      case 'ChangeContent':
        return changeContent(command, editable(state, command.editor))
      case 'SetAssociations':
        return setAssociations(command.integrations, editable(state, command.editor))
      case 'DropIntegration':
        return state.status === 'registered' && state.associated.has(command.integrationGuid)
          ? [{ type: 'IntegrationDissociated', data: { integrationGuid: command.integrationGuid } }]
          : []
      case 'GiveContent': {
        const { ownerGuid } = command
        return known(state).ownerGuid === ownerGuid ? [] : [{ type: 'ContentOwnerChanged', data: { ownerGuid } }]
      }
      case 'DeleteContent':
        editable(state, command.editor)
        return [{ type: 'ContentDeleted', data: {} }]
      default:
        return decideBelongings(command, editable(state, command.editor))
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'ContentRegistered':
        return { status: 'registered', ...NO_BELONGINGS, ...event.data, appMode: 'unknown', upstreamUrl: null, associated: new Set() }
      case 'ContentRenamed':
      case 'ContentDescribed':
      case 'AccessTypeChanged':
      case 'AppModeChanged':
      case 'UpstreamChanged':
      case 'ContentOwnerChanged':
        return { ...known(state), ...event.data }
      case 'IntegrationAssociated':
        return withAssociated(known(state), (set) => set.add(event.data.integrationGuid))
      case 'IntegrationDissociated':
        return withAssociated(known(state), (set) => set.delete(event.data.integrationGuid))
      case 'ContentDeleted':
        return { status: 'deleted' }
      default: {
        const content = known(state)
        return { ...content, ...evolveBelongings(content, event) }
      }
    }
  },
}

function known(state: Content): Registered {
  if (state.status !== 'registered') {
    throw new DomainError('not_found', 'content.not_found', 'This content does not exist.')
  }
  return state
}

/** The item, if this person may change it: its owner or an administrator. */
function editable(state: Content, editor: Person): Registered {
  const content = known(state)
  if (content.ownerGuid !== editor.guid && editor.role !== 'administrator') {
    throw new DomainError(
      'forbidden',
      'permission.denied',
      'Only the owner or an administrator may change this content.',
    )
  }
  return content
}

function changeContent(
  { changes, editor, upstream }: Extract<ContentCommand, { type: 'ChangeContent' }>,
  content: Registered,
): ContentEvent[] {
  const { name, title, description, accessType, appMode, upstreamUrl } = { ...content, ...defined(changes) }
  const events: ContentEvent[] = []
  if (name !== content.name) events.push({ type: 'ContentRenamed', data: { name } })
  if (title !== content.title || description !== content.description) {
    events.push({ type: 'ContentDescribed', data: { title, description } })
  }
  if (accessType !== content.accessType) events.push({ type: 'AccessTypeChanged', data: { accessType } })
  if (appMode !== content.appMode) events.push({ type: 'AppModeChanged', data: { appMode } })
  if (upstreamUrl !== content.upstreamUrl) {
    if (upstreamUrl !== null) mayChoose(upstream, editor)
    events.push({ type: 'UpstreamChanged', data: { upstreamUrl } })
  }
  return events
}

/** A URL chosen freely would make every publisher a visitor of the house's own network. */
function mayChoose(upstream: UpstreamVerdict | undefined, { role }: Person): void {
  if (upstream === 'listed' || (upstream === 'administrators_only' && role === 'administrator')) return
  throw upstream === 'outside'
    ? new DomainError(
        'invalid',
        'request.parameter_invalid',
        'The upstream_url is outside Content.Upstream; the operator of this server can extend that setting.',
      )
    : new DomainError(
        'forbidden',
        'permission.denied',
        'Only an administrator may set upstream_url, since Content.Upstream lists nothing.',
      )
}

function setAssociations(wanted: readonly Candidate[], content: Registered): ContentEvent[] {
  const kind = kindOf(content.appMode)
  const unsupported = wanted.find((integration) => !supports(kind, integration.authType))
  if (unsupported) {
    throw new DomainError(
      'invalid',
      'association.unsupported_auth_type',
      `${kind} content cannot use a ${unsupported.authType} integration.`,
    )
  }
  const wantedGuids = new Set(wanted.map(({ guid }) => guid))
  if (wantedGuids.size < wanted.length) {
    throw new DomainError('invalid', 'association.duplicate', 'An integration is named more than once.')
  }
  return [
    ...[...content.associated]
      .filter((guid) => !wantedGuids.has(guid))
      .map((integrationGuid) => ({ type: 'IntegrationDissociated', data: { integrationGuid } }) as const),
    ...wanted
      .filter(({ guid }) => !content.associated.has(guid))
      .map(
        ({ guid, authType }) => ({ type: 'IntegrationAssociated', data: { integrationGuid: guid, authType } }) as const,
      ),
  ]
}

/**
 * The product's support table: viewers need interactive content, service accounts also serve rendered content. Content
 * of which nothing is known yet may be prepared; the exchange asks again.
 */
function supports(kind: ContentKind, authType: AuthType): boolean {
  switch (kind) {
    case 'unknown':
    case 'interactive':
      return true
    case 'rendered':
      return authType === 'Service Account'
    case 'static':
      return false
  }
}

function withAssociated(content: Registered, change: (associated: Set<string>) => void): Registered {
  const associated = new Set(content.associated)
  change(associated)
  return { ...content, associated }
}

/** Without members that are `undefined`, which would hide what they are spread over. */
const defined = <T extends object>(value: T): Partial<T> =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Partial<T>
