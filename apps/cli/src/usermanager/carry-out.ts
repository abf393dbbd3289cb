import type {
  Named,
  Normalization,
  OperatorAudit,
  OperatorGroup,
  OperatorGroups,
  OperatorUser,
  OperatorUsers,
  Transferred,
} from '#libs/contracts'
import type { Operator } from '../operator.js'
import { Failure } from '../failure.js'
import { harmless, printed, type Cell, type Format, type Row } from '../table.js'
import { confirm, type Terminal } from '../terminal.js'
import type { GroupReference, Order, UserReference } from './order.js'

export interface Means {
  readonly operator: Operator
  readonly terminal: Terminal
  /** Nobody is asked. */
  readonly yes: boolean
}

const USER_COLUMNS = {
  guid: 'GUID',
  username: 'USERNAME',
  first_name: 'FIRST NAME',
  last_name: 'LAST NAME',
  email: 'E-MAIL',
  user_role: 'ROLE',
  locked: 'LOCKED',
  active_time: 'LAST ACTIVE',
  unique_id: 'UNIQUE ID',
}
const GROUP_COLUMNS = {
  guid: 'GUID',
  name: 'NAME',
  unique_id: 'UNIQUE ID',
  owner: 'OWNER',
  owner_guid: 'OWNER GUID',
  members: 'MEMBERS',
}
const AUDIT_COLUMNS = {
  id: 'ID',
  time: 'TIME',
  user_guid: 'USER GUID',
  user_description: 'WHO',
  action: 'ACTION',
  event_description: 'WHAT',
}

/** Does what was asked for. @throws Failure */
export async function carryOut(order: Order, means: Means): Promise<void> {
  switch (order.do) {
    case 'list users':
      return listUsers(order, means)
    case 'list groups':
      return listGroups(order, means)
    case 'alter user':
      return alterUser(order, means)
    case 'alter group':
      return alterGroup(order, means)
    case 'normalize groups':
      return normalizeGroups(means)
    case 'delete user':
      return deleteUser(order, means)
    case 'delete group':
      return deleteGroup(order, means)
    case 'transfer':
      return transfer(order, means)
    case 'audit':
      return audit(order, means)
  }
}

async function listUsers({ includeLocked, format }: Extract<Order, { do: 'list users' }>, means: Means): Promise<void> {
  const users = await allUsers(means.operator, { include_locked: String(includeLocked) })
  show(users, USER_COLUMNS, format, means.terminal, includeLocked ? 'user' : 'user who is not locked')
}

async function listGroups({ format }: Extract<Order, { do: 'list groups' }>, means: Means): Promise<void> {
  show(await allGroups(means.operator), GROUP_COLUMNS, format, means.terminal, 'group')
}

async function alterUser(
  { user, changes, force }: Extract<Order, { do: 'alter user' }>,
  { operator, terminal, yes }: Means,
): Promise<void> {
  const before = await userOf(operator, user)
  const demotes = (changes.user_role ?? 'administrator') !== 'administrator' || changes.locked
  if (force && demotes && before.user_role === 'administrator') {
    const question = `${nameOf(before)} is an administrator. With --force there may be none left; only this tool can then appoint one. Go on?`
    await confirm(terminal, question, yes)
  }
  const after = await operator.call<OperatorUser>('operatorAltersUser', {
    params: { guid: before.guid },
    body: { ...changes, force },
  })
  const columns = USER_COLUMNS as Readonly<Record<string, string>>
  sayChanges(nameOf(after), flat(before), flat(after), columns, terminal)
}

async function alterGroup(
  { group, changes }: Extract<Order, { do: 'alter group' }>,
  { operator, terminal }: Means,
): Promise<void> {
  const before = await groupOf(operator, group)
  const { owner, ...others } = changes
  const ownerGuid = owner && (await userOf(operator, owner)).guid
  const after = await operator.call<OperatorGroup>('operatorAltersGroup', {
    params: { guid: before.guid },
    body: { ...others, ...(owner !== undefined && { owner_guid: ownerGuid }) },
  })
  sayChanges(nameOfGroup(after), flat(before), flat(after), GROUP_COLUMNS, terminal)
}

async function normalizeGroups({ operator, terminal, yes }: Means): Promise<void> {
  const call = (dryRun: boolean) =>
    operator.call<Normalization>('operatorNormalizesGroups', { body: { dry_run: dryRun } })
  const plan = await call(true)
  const { by_unique_id: byUniqueId } = plan
  terminal.out(
    byUniqueId
      ? 'OAuth2.GroupsByUniqueId is on: groups are matched by their unique ids.'
      : 'OAuth2.GroupsByUniqueId is off: groups are matched by their names.',
  )
  if (plan.changed.length > 0) {
    terminal.out(byUniqueId ? 'These get their name as unique id:' : 'These lose their unique id:')
    for (const group of plan.changed) terminal.out(`  ${nameOfGroup(group)}`)
    if (!byUniqueId) await confirm(terminal, 'The unique ids cannot be had back. Go on?', yes)
  }
  // Also where nothing is planned: an earlier run may have been interrupted before its last step.
  const { changed } = await call(false)
  terminal.out(changed.length > 0 ? `${changed.length} changed.` : 'Nothing to change.')
  if (plan.attention.length > 0) {
    terminal.out(
      byUniqueId
        ? '\nWhere the login provider sends another id than the name, give it with\n' +
            '`usermanager alter --groups --group-guid GUID --new-unique-id ID`:'
        : '\nThese have a name that another group has, too, and are not matched. Rename or delete all but one of them with\n' +
            '`usermanager alter --groups --group-guid GUID --new-name NAME`:',
    )
    for (const { guid, name } of plan.attention) terminal.out(`  ${guid}  ${harmless(name)}`)
  }
}

async function deleteUser(
  { user }: Extract<Order, { do: 'delete user' }>,
  { operator, terminal, yes }: Means,
): Promise<void> {
  const found = await userOf(operator, user)
  await confirm(terminal, `Delete ${nameOf(found)} for ever, with profile, API keys and memberships?`, yes)
  await operator.call('operatorDeletesUser', { params: { guid: found.guid } })
  terminal.out(`Deleted ${nameOf(found)}.`)
}

async function deleteGroup(
  { group }: Extract<Order, { do: 'delete group' }>,
  { operator, terminal, yes }: Means,
): Promise<void> {
  const found = await groupOf(operator, group)
  const people = `${found.members} member${found.members === 1 ? '' : 's'}`
  const question = `Delete the group ${nameOfGroup(found)} with ${people} for ever?`
  await confirm(terminal, `${question} What it opens is closed to its members at once.`, yes)
  await operator.call('operatorDeletesGroup', { params: { guid: found.guid } })
  terminal.out(`Deleted the group ${nameOfGroup(found)}.`)
}

async function transfer(order: Extract<Order, { do: 'transfer' }>, { operator, terminal, yes }: Means): Promise<void> {
  const source = await userOf(operator, order.source)
  const target = await userOf(operator, order.target)
  if (source.guid === target.guid) throw new Failure('Source and target are the same user.', 2)
  const question = `Give the content, groups and memberships of ${nameOf(source)} to ${nameOf(target)}?`
  await confirm(terminal, `${question} What was whose cannot be told apart afterwards.`, yes)
  const { content, groups, memberships } = await operator.call<Transferred>('operatorTransfers', {
    params: { guid: source.guid },
    body: { target_guid: target.guid },
  })
  const moved = [
    ...content.map(({ guid, name }) => `  content     ${guid}  ${harmless(name)}`),
    ...groups.map(({ guid, name }) => `  group       ${guid}  ${harmless(name)}`),
    ...memberships.map(({ guid, name }) => `  membership  ${guid}  ${harmless(name)}`),
  ]
  terminal.out(moved.length > 0 ? `${nameOf(target)} has received:\n${moved.join('\n')}` : 'There was nothing to give.')
  terminal.out('API keys and authorizations at vendors are personal and stay; make new ones where they are needed.')
}

async function audit({ since, format }: Extract<Order, { do: 'audit' }>, { operator, terminal }: Means): Promise<void> {
  const pages = await allPages((next) => operator.call<OperatorAudit>('operatorReadsAudit', { query: { since, next } }))
  const lines = pages.flatMap(({ results }) => results)
  const { id: _, user_guid: __, ...narrow } = AUDIT_COLUMNS
  show(lines, format === 'table' ? narrow : AUDIT_COLUMNS, format, terminal, 'entry')
}

async function allUsers(operator: Operator, query: Readonly<Record<string, string>>): Promise<OperatorUser[]> {
  const ask = (after?: string) => operator.call<OperatorUsers>('operatorListsUsers', { query: { ...query, after } })
  return (await allPages(ask)).flatMap(({ users }) => users)
}

async function allGroups(operator: Operator, query: Readonly<Record<string, string>> = {}): Promise<OperatorGroup[]> {
  const ask = (after?: string) => operator.call<OperatorGroups>('operatorListsGroups', { query: { ...query, after } })
  return (await allPages(ask)).flatMap(({ groups }) => groups)
}

async function allPages<Page extends { readonly next: string | null }>(
  ask: (next: string | undefined) => Promise<Page>,
): Promise<Page[]> {
  const pages: Page[] = []
  for (let next: string | null | undefined; next !== null; next = pages.at(-1)!.next) pages.push(await ask(next))
  return pages
}

/** Exactly the one user that is meant. @throws Failure when there is none, or more than one */
async function userOf(operator: Operator, reference: UserReference): Promise<OperatorUser> {
  const [user, ...others] = await allUsers(operator, { ...reference, include_locked: 'true' })
  const named = harmless(Object.values(reference as object).join())
  if (!user) throw new Failure(`There is no user ${named}: \`usermanager list --include-locked\` shows all.`)
  if (others.length === 0) return user
  const each = [user, ...others].map((one) => `  --user-guid ${one.guid}  ${nameOf(one)}`).join('\n')
  throw new Failure(`Several users are called ${named}. Say which one:\n${each}`)
}

async function groupOf(operator: Operator, reference: GroupReference): Promise<OperatorGroup> {
  const [group, ...others] = await allGroups(operator, { ...reference })
  const named = harmless(Object.values(reference as object).join())
  if (!group) throw new Failure(`There is no group ${named}: \`usermanager list --groups\` shows all.`)
  if (others.length === 0) return group
  const each = [group, ...others]
    .map((one) => `  --group-guid ${one.guid}  ${harmless(one.unique_id ?? '')}`)
    .join('\n')
  throw new Failure(`Several groups are called ${named}. Say which one:\n${each}`)
}

function nameOf({ username, first_name: first, last_name: last, guid }: OperatorUser): string {
  const full = [first, last].filter(Boolean).join(' ')
  return harmless(`${username || guid}${full ? ` (${full})` : ''}`)
}

const nameOfGroup = ({ name, guid }: Named): string => harmless(name || guid)

function show(
  rows: readonly object[],
  columns: Readonly<Record<string, string>>,
  format: Format,
  terminal: Terminal,
  what: string,
): void {
  if (rows.length === 0 && format === 'table') terminal.note(`There is no ${what}.`)
  else terminal.out(printed(rows.map(flat), columns, format))
}

const flat = (answer: object): Row => answer as Readonly<Record<string, Cell>>

function sayChanges(
  name: string,
  before: Row,
  after: Row,
  columns: Readonly<Record<string, string>>,
  terminal: Terminal,
): void {
  const different = Object.keys(columns).filter((column) => before[column] !== after[column])
  const word = (cell: Cell | undefined) => (cell === null || cell === '' ? '(none)' : harmless(String(cell)))
  if (different.length === 0) terminal.out(`${name}: nothing to change, it is so already.`)
  for (const column of different) {
    terminal.out(`${name}: ${columns[column]!.toLowerCase()} ${word(before[column])} → ${word(after[column])}`)
  }
}
