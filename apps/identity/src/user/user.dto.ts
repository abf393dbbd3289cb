import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { Transform } from 'class-transformer'
import { IsBoolean, IsIn, IsNotEmpty, IsString, Matches, MaxLength } from 'class-validator'
import { isAtLeast, personOf, ROLES, type Actor, type Role } from '#libs/contracts'
import { MayBeAbsent, refusedAs, toBoolean, toTime } from '#libs/service'
import { PageQuery, PageView } from '../page.dto.js'
import type { Wanted } from './editability.js'
import { IsName, IsUniqueId, IsUsername, LONGEST } from './person-fields.js'
import type { UserRow } from './user.queries.js'
import { ACCOUNT_STATUSES, SORTS, type AccountStatus, type Sort, type UserFilter } from './user.search.js'

/** Whoever sends mail finds out more; this keeps out what can be no address. */
const EMAIL = /^[^\s\p{Cc}@]+@[^\s\p{Cc}@]+$/u

const BLANK_EMAIL = refusedAs('user.email_blank', 'The email must not be blank.')
const NO_EMAIL = refusedAs('user.email_invalid', 'The email must be an e-mail address.')

const ROLE = refusedAs('role.unknown', `The user_role must be one of (${ROLES.join(', ')}).`)
/** `a|b` means either, and so does a parameter that comes twice. */
const toList = ({ value }: { value: unknown }): unknown => {
  if (value === undefined || value === '') return undefined
  return [value].flat().flatMap((one: unknown) => (typeof one === 'string' ? one.split('|') : [one]))
}

/** A person as the API shows them. Times are RFC 3339 without fractions of a second. */
export class UserView {
  @ApiProperty({ description: 'The person.' })
  guid: string

  @ApiProperty({ description: 'Need not be unique where the login provider states it.' })
  username: string

  @ApiProperty({ description: 'May be empty.' })
  first_name: string

  @ApiProperty({ description: 'May be empty.' })
  last_name: string

  @ApiProperty({ description: 'May be empty; is so where the addresses of others are hidden.' })
  email: string

  @ApiProperty({ description: 'What the person may do.', enum: ROLES })
  user_role: Role

  @ApiProperty({ description: 'When the person first came.' })
  created_time: string

  @ApiProperty({ description: 'When profile, role or lock last changed.' })
  updated_time: string

  @ApiProperty({
    description: 'When the person last logged in or used an API key, about; `null` if never.',
    nullable: true,
    type: String,
  })
  active_time: string | null

  @ApiProperty({ description: 'Always true: the login provider has confirmed them.' })
  confirmed: boolean

  @ApiProperty({ description: 'Whether the person is kept out for the time being.' })
  locked: boolean

  @ApiPropertyOptional({ description: 'The provider’s unique id; for administrators and the person only.' })
  external_id?: string
}

export class UserPage extends PageView {
  @ApiProperty({ description: 'In the order of usernames.', type: [UserView] })
  results: UserView[]
}

export class UserQuery extends PageQuery {
  @ApiPropertyOptional({ description: 'Beginning of username, first or last name, in any case.' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(LONGEST)
  prefix?: string

  @ApiPropertyOptional({ description: 'One role, or several with `|` between them.', type: String })
  @MayBeAbsent()
  @Transform(toList)
  @IsIn(ROLES, { each: true, ...ROLE })
  user_role?: Role[]

  @ApiPropertyOptional({
    description: '`locked`, `inactive` (for a year) or `licensed` (neither), or several with `|` between them.',
    type: String,
  })
  @MayBeAbsent()
  @Transform(toList)
  @IsIn(ACCOUNT_STATUSES, { each: true })
  account_status?: AccountStatus[]

  @ApiPropertyOptional({ description: 'What the order goes by.', enum: SORTS, default: 'username' })
  @MayBeAbsent()
  @IsIn(SORTS)
  sort: Sort = 'username'

  @ApiPropertyOptional({ description: 'Whether the order is ascending.', type: Boolean, default: true })
  @MayBeAbsent()
  @Transform(toBoolean)
  @IsBoolean()
  asc_order = true
}

/** `GET /me`, as older clients know it. */
export class MeView extends UserView {
  @ApiProperty({ description: 'Always empty: roles say it all.', type: [String] })
  privileges: string[]

  @ApiProperty({ description: 'Always empty.', type: Object })
  preferences: Record<string, never>
}

/** What may be changed is in `GET /server_settings`; another member may hold the present value only. */
export class UserBody {
  @ApiPropertyOptional({ description: 'For administrators only.', enum: ROLES })
  @MayBeAbsent()
  @IsIn(ROLES, ROLE)
  user_role?: Role

  @ApiPropertyOptional({
    description:
      'Where it may be edited: 3 to 64 letters, digits, underscores and periods, a letter first, nobody else’s.',
  })
  @MayBeAbsent()
  @IsUsername()
  username?: string

  @ApiPropertyOptional({ description: 'At most 255 characters.' })
  @MayBeAbsent()
  @IsName()
  first_name?: string

  @ApiPropertyOptional({ description: 'At most 255 characters.' })
  @MayBeAbsent()
  @IsName()
  last_name?: string

  @ApiPropertyOptional({ description: 'At most 255 characters.' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(LONGEST)
  @Matches(EMAIL, NO_EMAIL)
  @IsNotEmpty(BLANK_EMAIL)
  email?: string
}

/** A person ahead of their first login. */
export class NewUserBody extends UserBody {
  @ApiProperty({ description: 'Nobody else’s; the next login puts the provider’s in its place, if that states one.' })
  declare username: string

  @ApiPropertyOptional({
    description: 'The provider’s unique id, exactly: by it the login finds the person. Required.',
  })
  @MayBeAbsent()
  @IsUniqueId('external_id')
  external_id?: string

  @ApiPropertyOptional({ description: 'The old name of external_id.', deprecated: true })
  @MayBeAbsent()
  @IsUniqueId('external_id')
  unique_id?: string
}

export class LockBody {
  @ApiProperty({ description: 'Whether the person is to be kept out.' })
  @IsBoolean()
  locked: boolean
}

/** @param only whom alone the caller may see */
export const filterOf = (query: UserQuery, only: string | undefined): UserFilter => ({
  prefix: query.prefix,
  roles: query.user_role,
  statuses: query.account_status,
  only,
  sort: query.sort,
  ascending: query.asc_order,
  page: query.page_number,
  pageSize: query.page_size,
})

export const wantedOf = (body: UserBody): Wanted => ({
  username: body.username,
  firstName: body.first_name,
  lastName: body.last_name,
  email: body.email,
  role: body.user_role,
})

/** @param hideEmail whether only administrators see the e-mail addresses of others */
export function userView(user: UserRow, caller: Actor, hideEmail: boolean): UserView {
  const person = personOf(caller)
  const mayKnow = person && (person.guid === user.guid || isAtLeast(person.role, 'administrator'))
  return {
    guid: user.guid,
    username: user.username,
    first_name: user.firstName,
    last_name: user.lastName,
    email: mayKnow || !hideEmail ? user.email : '',
    user_role: user.role,
    created_time: toTime(user.createdAt),
    updated_time: toTime(user.updatedAt),
    active_time: user.activeAt && toTime(user.activeAt),
    confirmed: true,
    locked: user.locked,
    ...(mayKnow && { external_id: user.externalId }),
  }
}
