import { isGuid, type Role } from '#libs/contracts'
import { Failure } from '../failure.js'
import type { Format } from '../table.js'
import type { GroupChanges, GroupReference, Order, UserChanges, UserReference } from './order.js'

interface Kinds {
  readonly users?: boolean
  readonly groups?: boolean
}

interface Formats {
  readonly csv?: boolean
  readonly json?: boolean
}

interface Which {
  readonly username?: string
  readonly userGuid?: string
  readonly userId?: string
  readonly groupName?: string
  readonly groupGuid?: string
}

export interface ListFlags extends Kinds, Formats {
  readonly includeLocked?: boolean
}

export interface AlterFlags extends Kinds, Which {
  readonly newRole?: Role
  /** Older name of `newRole`. */
  readonly role?: Role
  readonly newUsername?: string
  readonly newFirstName?: string
  readonly newLastName?: string
  readonly newEmail?: string
  readonly newUniqueId?: string
  readonly lock?: boolean
  readonly unlock?: boolean
  readonly force?: boolean
  readonly newName?: string
  readonly newOwner?: string
  readonly dropOwner?: boolean
  readonly normalizeIds?: boolean
}

export interface TransferFlags {
  readonly sourceUsername?: string
  readonly sourceUserGuid?: string
  readonly targetUsername?: string
  readonly targetUserGuid?: string
}

export interface AuditFlags extends Formats {
  readonly since?: string
}

const DAY = /^\d{4}-\d\d-\d\d$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/

/** @throws Failure when the flags do not fit each other; so do all of these */
export function listOrder(flags: ListFlags): Order {
  const format = formatOf(flags)
  if (!areGroups(flags)) return { do: 'list users', includeLocked: flags.includeLocked ?? false, format }
  if (flags.includeLocked) throw misfit('--include-locked belongs to --users: groups cannot be locked.')
  return { do: 'list groups', format }
}

export function alterOrder(flags: AlterFlags): Order {
  return areGroups(flags) ? alterGroupOrder(flags) : alterUserOrder(flags)
}

export function deleteOrder(flags: Kinds & Which): Order {
  return areGroups(flags) ? { do: 'delete group', group: groupIn(flags) } : { do: 'delete user', user: userIn(flags) }
}

export function transferOrder(flags: TransferFlags): Order {
  const source = referenceTo(flags.sourceUsername, flags.sourceUserGuid, '--source-username')
  const target = referenceTo(flags.targetUsername, flags.targetUserGuid, '--target-username')
  return { do: 'transfer', source, target }
}

export function auditOrder(flags: AuditFlags): Order {
  const format = formatOf(flags)
  if (flags.since === undefined) return { do: 'audit', format }
  const since = new Date(DAY.test(flags.since) || TIME.test(flags.since) ? flags.since : NaN)
  if (isNaN(since.getTime()))
    throw misfit('--since is a day such as 2026-11-22 or a time such as 2026-11-22T08:00:00Z.')
  return { do: 'audit', since: since.toISOString(), format }
}

function alterUserOrder(flags: AlterFlags): Order {
  foreign(flags, ['newName', 'newOwner', 'dropOwner', 'normalizeIds'], '--groups')
  if (flags.lock && flags.unlock) throw misfit('--lock and --unlock exclude each other.')
  if (flags.role && flags.newRole && flags.role !== flags.newRole) {
    throw misfit('--role is the older name of --new-role: give one of them.')
  }
  const changes: UserChanges = {
    ...given('username', flags.newUsername),
    ...given('first_name', flags.newFirstName),
    ...given('last_name', flags.newLastName),
    ...given('email', flags.newEmail),
    ...given('unique_id', flags.newUniqueId),
    ...given('user_role', flags.newRole ?? flags.role),
    ...given('locked', flags.lock ? true : flags.unlock ? false : undefined),
  }
  mustChange(changes)
  return { do: 'alter user', user: userIn(flags), changes, force: flags.force ?? false }
}

function alterGroupOrder(flags: AlterFlags): Order {
  const OF_USERS = [
    'newRole',
    'role',
    'force',
    'newUsername',
    'newFirstName',
    'newLastName',
    'newEmail',
    'lock',
    'unlock',
  ] as const
  foreign(flags, OF_USERS, '--users')
  if (flags.normalizeIds) {
    foreign(flags, ['newName', 'newOwner', 'dropOwner', 'newUniqueId', 'groupName', 'groupGuid'], undefined)
    return { do: 'normalize groups' }
  }
  if (flags.newOwner !== undefined && flags.dropOwner) {
    throw misfit('--new-owner and --drop-owner exclude each other.')
  }
  const changes: GroupChanges = {
    ...given('name', flags.newName),
    ...given('owner', flags.dropOwner ? null : ownerIn(flags)),
    ...given('unique_id', flags.newUniqueId),
  }
  mustChange(changes)
  return { do: 'alter group', group: groupIn(flags), changes }
}

function formatOf({ csv, json }: Formats): Format {
  if (csv && json) throw misfit('--csv and --json exclude each other.')
  return csv ? 'csv' : json ? 'json' : 'table'
}

function areGroups({ users, groups }: Kinds): boolean {
  if (users && groups) throw misfit('--users and --groups exclude each other.')
  return groups ?? false
}

function userIn(flags: Which): UserReference {
  foreign(flags, ['groupName', 'groupGuid'], '--groups')
  if (flags.userGuid && flags.userId && flags.userGuid !== flags.userId) {
    throw misfit('--user-id is the same as --user-guid: give one of them.')
  }
  return referenceTo(flags.username, flags.userGuid ?? flags.userId, '--username')
}

function groupIn(flags: Which): GroupReference {
  foreign(flags, ['username', 'userGuid', 'userId'], '--users')
  const { groupName: name, groupGuid: guid } = flags
  if ((name === undefined) === (guid === undefined)) {
    throw misfit('Say which group: --group-name NAME, or --group-guid GUID when a name occurs twice.')
  }
  return guid === undefined ? { name: name! } : { guid: guidIn(guid, '--group-guid') }
}

function ownerIn({ newOwner }: AlterFlags): UserReference | undefined {
  if (newOwner === undefined) return undefined
  const guid = newOwner.toLowerCase()
  return isGuid(guid) ? { guid } : { username: newOwner }
}

function referenceTo(username: string | undefined, guid: string | undefined, flag: string): UserReference {
  const guidFlag = flag.replace('username', 'user-guid')
  if ((username === undefined) === (guid === undefined)) {
    throw misfit(`Say which user: ${flag} NAME, or ${guidFlag} GUID when a name occurs twice.`)
  }
  return guid === undefined ? { username: username! } : { guid: guidIn(guid, guidFlag) }
}

function guidIn(text: string, flag: string): string {
  const guid = text.toLowerCase()
  if (!isGuid(guid)) throw misfit(`${flag} is a GUID such as 46cb5adb-4036-451f-9f08-0da3197dbc6c.`)
  return guid
}

/** @param belongsTo the flag that they go with; `undefined`: they go with nothing here */
function foreign<Flags extends object>(
  flags: Flags,
  names: readonly (keyof Flags & string)[],
  belongsTo?: string,
): void {
  const found = names.find((name) => flags[name] !== undefined)
  if (!found) return
  const flag = `--${found.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  throw misfit(
    belongsTo
      ? `${flag} belongs to ${belongsTo}.`
      : `${flag} does not go with --normalize-ids, which is for all groups.`,
  )
}

function mustChange(changes: object): void {
  if (Object.keys(changes).length === 0) throw misfit('Say what is to be different, as with --new-role; see --help.')
}

/** A member only when there is a value: what is absent stays as it is. */
const given = <Name extends string, Value>(name: Name, value: Value | undefined): { readonly [N in Name]?: Value } =>
  (value === undefined ? {} : { [name]: value }) as { readonly [N in Name]?: Value }

const misfit = (message: string): Failure => new Failure(message, 2)
