/** What a person may do, least first. Wire name: `user_role`. */
export const ROLES = ['viewer', 'publisher', 'administrator'] as const
export type Role = (typeof ROLES)[number]

export const isAtLeast = (role: Role, wanted: Role): boolean => ROLES.indexOf(role) >= ROLES.indexOf(wanted)

/** The role that holds when two apply, for example a key's and its owner's. */
export const lower = (a: Role, b: Role): Role => (isAtLeast(a, b) ? b : a)
