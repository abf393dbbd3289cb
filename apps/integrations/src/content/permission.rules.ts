import { DomainError } from '#libs/contracts'
import type { ContentEvent } from './content.events.js'

export const PRINCIPAL_TYPES = ['user', 'group'] as const
export type PrincipalType = (typeof PRINCIPAL_TYPES)[number]

/** `owner` is a collaborator. */
export const PERMISSION_ROLES = ['viewer', 'owner'] as const
export type PermissionRole = (typeof PERMISSION_ROLES)[number]

export interface Permission {
  readonly principalType: PrincipalType
  readonly role: PermissionRole
}

/** By the guid of the principal. */
export type Permissions = ReadonlyMap<string, Permission>

/** So that the published state of an item stays within one message. */
export const MOST_PERMISSIONS = 1_000

/** Somebody who is to have a permission, as the controller has looked them up. */
export interface Principal {
  readonly guid: string
  readonly type: PrincipalType
  /** Whether they can publish; a group is as good as its members. */
  readonly mayPublish: boolean
}

interface Permitting {
  readonly ownerGuid: string
  readonly permissions: Permissions
}

/**
 * An upsert: the same principal again changes its role and stays the same entry.
 * @throws DomainError `permission.principal_is_owner`, `permission.collaborator_cannot_publish`
 */
export function setPermission(content: Permitting, principal: Principal, role: PermissionRole): ContentEvent[] {
  const { guid: principalGuid, type: principalType } = principal
  if (content.ownerGuid === principalGuid) {
    throw new DomainError(
      'invalid',
      'permission.principal_is_owner',
      'The owner of the content needs no permission and can have none.',
    )
  }
  if (role === 'owner' && !principal.mayPublish) {
    throw new DomainError(
      'forbidden',
      'permission.collaborator_cannot_publish',
      'A collaborator has to be a publisher or an administrator.',
    )
  }
  const before = content.permissions.get(principalGuid)
  if (before?.role === role) return []
  if (before) return [{ type: 'PermissionChanged', data: { principalGuid, role } }]
  if (content.permissions.size >= MOST_PERMISSIONS) {
    throw new DomainError(
      'invalid',
      'request.parameter_invalid',
      `Content can have ${MOST_PERMISSIONS} permissions at most: use a group.`,
    )
  }
  return [{ type: 'PermissionGranted', data: { principalGuid, principalType, role } }]
}

export const revokePermission = ({ permissions }: Permitting, principalGuid: string): ContentEvent[] =>
  permissions.has(principalGuid) ? [{ type: 'PermissionRevoked', data: { principalGuid } }] : []

/** What one person has goes to another, who keeps what they have if it is more. */
export function handOver(content: Permitting, from: string, to: Principal): ContentEvent[] {
  const given = content.permissions.get(from)
  if (!given || from === to.guid) return []
  const role = given.role === 'owner' && !to.mayPublish ? 'viewer' : given.role
  const needs = content.ownerGuid !== to.guid && content.permissions.get(to.guid)?.role !== 'owner'
  // First the one entry goes, so that a full list stays one.
  const left = { ...content, permissions: new Map([...content.permissions].filter(([guid]) => guid !== from)) }
  return [...revokePermission(content, from), ...(needs ? setPermission(left, to, role) : [])]
}
