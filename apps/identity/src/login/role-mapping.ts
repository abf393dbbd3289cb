import { ROLES, type Role } from '#libs/contracts'
import type { AuthorizationSettings } from '#libs/service'

/** Everything of the settings that gives a role at a login. */
export type RoleSettings = Pick<
  AuthorizationSettings,
  | 'defaultUserRole'
  | 'userRoleMapping'
  | 'userRoleGroupMapping'
  | 'viewerRoleMapping'
  | 'publisherRoleMapping'
  | 'administratorRoleMapping'
  | 'userRoleMappingRestrictive'
>

/** How a role came about, for the log: it holds words of ours only. */
export interface MappedRole {
  readonly role: Role
  /** The roles that matched, least first; none: `role` is the default. */
  readonly matches: readonly Role[]
}

/**
 * The role of somebody of whom the provider says these things.
 *
 * With any mapping line, only the lines count: whoever wrote down what makes an administrator meant no other word to.
 * Without any, the values of a claim are names of roles themselves; names of groups never are.
 * @param values of the claim `OAuth2.RoleClaim`, or the groups' names or unique IDs, as the mapping in force wants them
 */
export function mappedRole(settings: RoleSettings, values: readonly string[]): MappedRole {
  const said = new Set(values)
  const lists: Readonly<Record<Role, readonly string[]>> = {
    viewer: settings.viewerRoleMapping,
    publisher: settings.publisherRoleMapping,
    administrator: settings.administratorRoleMapping,
  }
  const byName = !settings.userRoleGroupMapping && ROLES.every((role) => lists[role].length === 0)
  const matches = ROLES.filter((role) => (byName ? said.has(role) : lists[role].some((value) => said.has(value))))
  const role = settings.userRoleMappingRestrictive ? matches[0] : matches.at(-1)
  return { role: role ?? settings.defaultUserRole, matches }
}
