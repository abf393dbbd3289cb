import type { Role } from '#libs/contracts'

/** What people can be listed by; not by e-mail address, which may be hidden. */
export const SORTS = ['username', 'first_name', 'last_name', 'user_role', 'created_time', 'active_time'] as const
export type Sort = (typeof SORTS)[number]

/** `inactive`: not locked, and neither logged in nor used an API key for a year; `licensed`: neither of the others. */
export const ACCOUNT_STATUSES = ['locked', 'licensed', 'inactive'] as const
export type AccountStatus = (typeof ACCOUNT_STATUSES)[number]

export interface UserFilter {
  /** Beginning of username, first or last name, in any case. */
  readonly prefix?: string | undefined
  readonly roles?: readonly Role[] | undefined
  readonly statuses?: readonly AccountStatus[] | undefined
  /** This person and nobody else. */
  readonly only?: string | undefined
  readonly sort: Sort
  readonly ascending: boolean
  /** Counted from 1. */
  readonly page: number
  readonly pageSize: number
}

/** The last time that somebody is known to have done something: logged in, or used an API key. */
const ACTIVE_AT = `greatest(active_at, (
    select max(used_at) from api_key join api_key_use using (guid) where api_key.user_guid = person.guid
  ))`

/** A person with the newest version of their profile. */
export const USERS = `
  select person.guid, position, role, locked, profile_version as "profileVersion", created_at as "createdAt",
    updated_at as "updatedAt", ${ACTIVE_AT} as "activeAt", username, first_name as "firstName",
    last_name as "lastName", email, external_id as "externalId"
  from person join profile on profile.user_guid = person.guid and profile.current`

/** Whether `ACTIVE_AT` is within a year; the keys are looked through once, not for each person. */
const OF_LATE = `(coalesce(active_at > now() - interval '365 days', false) or person.guid in (
    select user_guid from api_key join api_key_use using (guid) where used_at > now() - interval '365 days'
  ))`

const STATUS: Readonly<Record<AccountStatus, string>> = {
  locked: 'locked',
  licensed: `not locked and ${OF_LATE}`,
  inactive: `not locked and not ${OF_LATE}`,
}

const KEYS: Readonly<Record<Sort, string>> = {
  username: 'username_key',
  first_name: 'first_name_key',
  last_name: 'last_name_key',
  user_role: 'role',
  created_time: 'created_at',
  active_time: 'active_at',
}
const OF_PERSON: ReadonlySet<Sort> = new Set<Sort>(['user_role', 'created_time', 'active_time'])

/** No text that begins with a prefix comes after the prefix followed by the last code point there is. */
const startsWith = (key: string, prefix: string): string =>
  `(${key} >= name_key(${prefix}) and ${key} < name_key(${prefix}) || chr(1114111))`

/**
 * One page and how many there are on all of them, in one statement: `total` in every row, and one row of nulls when the
 * page is empty. The order is total, so that pages neither repeat nor lose anybody.
 */
export function searchOf(filter: UserFilter): { text: string; values: unknown[] } {
  const values: unknown[] = []
  const value = (given: unknown): string => `$${values.push(given)}`
  const ofPerson = [
    ...(filter.roles ? [`role = any(${value(filter.roles)}::text[])`] : []),
    ...(filter.statuses ? [`(${filter.statuses.map((status) => STATUS[status]).join(' or ')})`] : []),
    ...(filter.only ? [`person.guid = ${value(filter.only)}`] : []),
  ]
  const prefix = filter.prefix ? value(filter.prefix) : undefined
  const limits = `limit ${value(filter.pageSize)} offset ${value((filter.page - 1) * filter.pageSize)}`
  const direction = filter.ascending ? 'asc' : 'desc'
  const orderBy = (guid: string): string => `${KEYS[filter.sort]} ${direction}, ${guid} ${direction}`
  const isOfPerson = ofPerson.length > 0 || OF_PERSON.has(filter.sort)
  const source = isOfPerson ? 'profile join person on person.guid = profile.user_guid' : 'profile'

  if (prefix === undefined) {
    const where = ['current', ...ofPerson].join(' and ')
    const counted = ofPerson.length > 0 ? `person where ${ofPerson.join(' and ')}` : 'person'
    return {
      text: `
        select (select count(*)::int from ${counted}) as total, page.*
        from (select) as always left join (
          select user_guid as chosen, row_number() over (order by ${orderBy('user_guid')}) as place from (
            select user_guid, ${KEYS[filter.sort]} from ${source} where ${where}
            order by ${orderBy('user_guid')} ${limits}
          ) as found
        ) as places on true left join (${USERS}) as page on page.guid = places.chosen
        order by place`,
      values,
    }
  }
  const key = KEYS[filter.sort]
  const names = ['username_key', 'first_name_key', 'last_name_key'].map((name) => startsWith(name, prefix))
  // Each index is read by itself and knows the keys of those before it: nobody is found twice, and the table is not read.
  const found = names.map((begins, index) => {
    const before = names.slice(0, index).map((other) => ` and not ${other}`)
    return `select user_guid${OF_PERSON.has(filter.sort) ? '' : `, ${key}`} from profile where current and ${begins}${before.join('')}`
  })
  const together = `(${found.join(' union all ')}) as profile`
  const of = isOfPerson ? `${together} join person on person.guid = profile.user_guid` : together
  const where = ofPerson.length > 0 ? ` where ${ofPerson.join(' and ')}` : ''
  // Read once, for the number and for the page.
  return {
    text: `
      with found as materialized (
        select user_guid, ${key} from ${of}${where}
      ), chosen as (
        select user_guid, row_number() over (order by ${orderBy('user_guid')}) as place from (
          select * from found order by ${orderBy('user_guid')} ${limits}
        ) as page
      )
      select (select count(*)::int from found) as total, page.*
      from (select) as always left join chosen on true left join (${USERS}) as page on page.guid = chosen.user_guid
      order by place`,
    values,
  }
}
