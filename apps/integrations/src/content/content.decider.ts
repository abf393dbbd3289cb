import { DomainError, type AccessType, type AuthType, type Person } from '#libs/contracts'
import type { Decider } from '#libs/event-sourcing'
import { kindOf, type AppMode } from './app-mode.js'
import {
  decideBelongings,
  evolveBelongings,
  NO_BELONGINGS,
  type Belongings,
  type BelongingsCommand,
} from './belongings.js'
import { mayBeOpenedTo, setAssociations, type Candidate } from './association.rules.js'
import type { ContentEvent } from './content.events.js'

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
  /** The integrations that it has, by guid. */
  readonly associated: ReadonlyMap<string, AuthType>
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
      case 'SetAssociations': {
        const content = editable(state, command.editor)
        return setAssociations(command.integrations, { ...content, kind: kindOf(content.appMode) })
      }
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
        return { status: 'registered', ...NO_BELONGINGS, ...event.data, appMode: 'unknown', upstreamUrl: null, associated: new Map() }
      case 'ContentRenamed':
      case 'ContentDescribed':
      case 'AccessTypeChanged':
      case 'AppModeChanged':
      case 'UpstreamChanged':
      case 'ContentOwnerChanged':
        return { ...known(state), ...event.data }
      case 'IntegrationAssociated':
        return withAssociated(known(state), (associated) =>
          associated.set(event.data.integrationGuid, event.data.authType),
        )
      case 'IntegrationDissociated':
        return withAssociated(known(state), (associated) => associated.delete(event.data.integrationGuid))
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
  if (accessType !== content.accessType) {
    mayBeOpenedTo(accessType, content)
    events.push({ type: 'AccessTypeChanged', data: { accessType } })
  }
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

function withAssociated(content: Registered, change: (associated: Map<string, AuthType>) => void): Registered {
  const associated = new Map(content.associated)
  change(associated)
  return { ...content, associated }
}

/** Without members that are `undefined`, which would hide what they are spread over. */
const defined = <T extends object>(value: T): Partial<T> =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Partial<T>
