import { DomainError, type AccessType, type AuthType, type Person } from '#libs/contracts'
import type { Decider } from '#libs/event-sourcing'
import { kindOf, type AppMode } from './app-mode.js'
import {
  decideBelongings,
  evolveBelongings,
  noBelongings,
  type Belongings,
  type BelongingsCommand,
} from './belongings.js'
import { mayBeOpenedTo, setAssociations, type Candidate } from './association.rules.js'
import type { ContentEvent } from './content.events.js'
import { contentNotFound } from './content.refusals.js'
import { mayEdit, mustManage, type Editor } from './editor.js'
import {
  handOver,
  revokePermission,
  setPermission,
  type Permission,
  type PermissionRole,
  type Permissions,
  type Principal,
} from './permission.rules.js'
import { differing, mayRunAs, type RuntimeSettings } from './runtime-settings.js'
import { createShareLink, revokeShareLink, type NewShareLink, type ShareLinks } from './share-link.rules.js'
import { isWider, mustBeWithin } from './widest-access.js'

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
  readonly ownerGuid?: string
  readonly locked?: boolean
  readonly lockedMessage?: string
  readonly settings?: Partial<RuntimeSettings>
}

export type ContentCommand =
  | {
      type: 'RegisterContent'
      ownerGuid: string
      name: string
      title: string | null
      description: string
      accessType: AccessType
      settings?: Partial<RuntimeSettings>
    }
  /**
   * `upstream`: what `[Content] Upstream` says of the new upstream URL, if there is one; `widest`: the access that
   * `[Applications]` permits at most.
   */
  | { type: 'ChangeContent'; editor: Editor; changes: ContentChanges; upstream?: UpstreamVerdict; widest: AccessType }
  /** Replaces the whole list, as `PUT …/associations` does. */
  | { type: 'SetAssociations'; editor: Editor; integrations: readonly Candidate[] }
  /** An integration has been deleted: what follows here. */
  | { type: 'DropIntegration'; integrationGuid: string }
  | { type: 'SetPermission'; editor: Editor; principal: Principal; role: PermissionRole }
  | { type: 'RevokePermission'; editor: Editor; principalGuid: string }
  /** A person or group has been deleted: what follows here. */
  | { type: 'DropPrincipal'; principalGuid: string }
  | { type: 'CreateShareLink'; editor: Editor; link: NewShareLink; now: Date }
  | { type: 'RevokeShareLink'; editor: Editor; linkGuid: string }
  /** By the operator, who may give everything to anybody. */
  | { type: 'GiveContent'; ownerGuid: string }
  | { type: 'GivePermission'; from: string; to: Principal }
  | { type: 'DeleteContent'; editor: Editor }
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
  /** While nobody may visit: what visitors read, and whether only administrators may end it. */
  readonly lock: { readonly message: string; readonly byAdministrator?: true } | undefined
  readonly settings: Partial<RuntimeSettings>
  readonly permissions: Permissions
  readonly shareLinks: ShareLinks
  /** The integrations that it has, by guid. */
  readonly associated: ReadonlyMap<string, AuthType>
}

export const contentDecider: Decider<ContentCommand, ContentEvent, Content> = {
  initial: { status: 'unknown' },

  decide(command, state) {
    switch (command.type) {
      case 'RegisterContent': {
        if (state.status !== 'unknown') return []
        const { ownerGuid, name, title, description, accessType, settings = {} } = command
        const different = differing(settings, {})
        return [
          { type: 'ContentRegistered', data: { ownerGuid, name, title, description, accessType } },
          ...(different ? [{ type: 'RuntimeSettingsChanged', data: { settings: different } } as const] : []),
        ]
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
      case 'SetPermission':
        return setPermission(editable(state, command.editor), command.principal, command.role)
      case 'RevokePermission':
        return revokePermission(editable(state, command.editor), command.principalGuid)
      case 'DropPrincipal':
        return state.status === 'registered' ? revokePermission(state, command.principalGuid) : []
      case 'CreateShareLink':
        return createShareLink(editable(state, command.editor).shareLinks, command.link, command.now)
      case 'RevokeShareLink':
        return revokeShareLink(editable(state, command.editor).shareLinks, command.linkGuid)
      case 'GivePermission':
        return state.status === 'registered' ? handOver(state, command.from, command.to) : []
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
        return {
          status: 'registered',
          ...noBelongings(),
          ...event.data,
          appMode: 'unknown',
          upstreamUrl: null,
          lock: undefined,
          settings: {},
          permissions: new Map(),
          shareLinks: new Map(),
          associated: new Map(),
        }
      case 'ContentRenamed':
      case 'ContentDescribed':
      case 'AccessTypeChanged':
      case 'AppModeChanged':
      case 'UpstreamChanged':
        return { ...known(state), ...event.data }
      case 'ContentOwnerChanged': {
        const { ownerGuid } = event.data
        return { ...withPermissions(known(state), (all) => all.delete(ownerGuid)), ownerGuid }
      }
      case 'PermissionGranted': {
        const { principalGuid, ...permission } = event.data
        return withPermissions(known(state), (all) => all.set(principalGuid, permission))
      }
      case 'PermissionChanged': {
        const { principalGuid, role } = event.data
        return withPermissions(known(state), (all) => {
          const before = all.get(principalGuid)
          if (before) all.set(principalGuid, { ...before, role })
        })
      }
      case 'PermissionRevoked':
        return withPermissions(known(state), (all) => all.delete(event.data.principalGuid))
      case 'RuntimeSettingsChanged': {
        const content = known(state)
        return { ...content, settings: { ...content.settings, ...event.data.settings } }
      }
      case 'ContentLocked':
        return { ...known(state), lock: event.data }
      case 'ContentUnlocked':
        return { ...known(state), lock: undefined }
      case 'ShareLinkCreated': {
        const { linkGuid, expiresAt } = event.data
        return withShareLinks(known(state), (links) => links.set(linkGuid, expiresAt))
      }
      case 'ShareLinkRevoked':
        return withShareLinks(known(state), (links) => links.delete(event.data.linkGuid))
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
    throw contentNotFound()
  }
  return state
}

/** The item, if this person may change it: its owner, its collaborators or an administrator. */
function editable(state: Content, editor: Editor): Registered {
  const content = known(state)
  if (!mayEdit(content, editor)) {
    throw new DomainError(
      'forbidden',
      'permission.denied',
      'Only the owner, a collaborator or an administrator may change this content.',
    )
  }
  return content
}

function changeContent(
  { changes, editor, upstream, widest }: Extract<ContentCommand, { type: 'ChangeContent' }>,
  content: Registered,
): ContentEvent[] {
  const { name, title, description, accessType, appMode, upstreamUrl } = { ...content, ...defined(changes) }
  const events: ContentEvent[] = []
  if (name !== content.name) events.push({ type: 'ContentRenamed', data: { name } })
  if (title !== content.title || description !== content.description) {
    events.push({ type: 'ContentDescribed', data: { title, description } })
  }
  if (accessType !== content.accessType) {
    if (isWider(accessType, content.accessType)) mustBeWithin(widest, accessType)
    mayBeOpenedTo(accessType, content)
    events.push({ type: 'AccessTypeChanged', data: { accessType } })
  }
  if (appMode !== content.appMode) events.push({ type: 'AppModeChanged', data: { appMode } })
  if (upstreamUrl !== content.upstreamUrl) {
    if (upstreamUrl !== null) mayChoose(upstream, editor)
    events.push({ type: 'UpstreamChanged', data: { upstreamUrl } })
  }
  const settings = differing(changes.settings ?? {}, content.settings)
  if (settings) {
    mayRunAs(settings, editor)
    events.push({ type: 'RuntimeSettingsChanged', data: { settings } })
  }
  events.push(...lockChanged(changes, content, editor))
  if (changes.ownerGuid !== undefined && changes.ownerGuid !== content.ownerGuid) {
    mustManage(content, editor, 'give this content to somebody else')
    events.push({ type: 'ContentOwnerChanged', data: { ownerGuid: changes.ownerGuid } })
  }
  return events
}

/** A message alone locks nothing, and is not kept. */
function lockChanged({ locked, lockedMessage }: ContentChanges, content: Registered, editor: Editor): ContentEvent[] {
  const { lock } = content
  const message = (locked ?? lock !== undefined) ? (lockedMessage ?? lock?.message ?? '') : undefined
  const byAdministrator = editor.role === 'administrator' && editor.guid !== content.ownerGuid
  // What its owner has locked with the same words an administrator still holds shut by saying so.
  const takesOver = locked === true && byAdministrator && !lock?.byAdministrator
  if (message === lock?.message && !takesOver) return []
  mustManage(content, editor, 'lock or unlock this content')
  if (lock?.byAdministrator && editor.role !== 'administrator') {
    throw new DomainError(
      'forbidden',
      'permission.denied',
      'An administrator has locked this content: only an administrator may unlock it or change its locked_message.',
    )
  }
  if (message === undefined) return [{ type: 'ContentUnlocked', data: {} }]
  return [{ type: 'ContentLocked', data: { message, ...(byAdministrator && { byAdministrator }) } }]
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

// Changed where they are, see `Decider`.

function withAssociated(content: Registered, change: (associated: Map<string, AuthType>) => void): Registered {
  change(content.associated as Map<string, AuthType>)
  return content
}

function withPermissions(content: Registered, change: (permissions: Map<string, Permission>) => void): Registered {
  change(content.permissions as Map<string, Permission>)
  return content
}

function withShareLinks(content: Registered, change: (links: Map<string, string | null>) => void): Registered {
  change(content.shareLinks as Map<string, string | null>)
  return content
}

/** Without members that are `undefined`, which would hide what they are spread over. */
const defined = <T extends object>(value: T): Partial<T> =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Partial<T>
