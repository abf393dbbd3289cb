import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { Transform, Type } from 'class-transformer'
import { IsBoolean, IsIn, IsInt, IsString, Max, Min } from 'class-validator'
import { isAtLeast, personOf, ROLES, type Actor, type Role } from '#libs/contracts'
import { MayBeAbsent, refusedAs, toTime } from '#libs/service'
import type { UserFilter, UserRow } from './user.queries.js'

const ACCOUNT_STATUSES = ['locked', 'licensed', 'inactive'] as const
type AccountStatus = (typeof ACCOUNT_STATUSES)[number]

const ROLE = refusedAs('role.unknown', `The user_role must be one of (${ROLES.join(', ')}).`)
const YES = /^(?:1|t|true)$/i
const NO = /^(?:0|f|false)$/i
/** What Go's `ParseBool` takes, since clients send `True` and `true` and `1`. */
const toBoolean = ({ value }: { value: unknown }): unknown =>
  typeof value !== 'string' ? value : YES.test(value) ? true : NO.test(value) ? false : value
/** `a|b` means either. */
const toList = ({ value }: { value: unknown }): unknown =>
  typeof value === 'string' && value !== '' ? value.split('|') : undefined

/** A person as the API shows them. Times are RFC 3339 without fractions of a second. */
export class UserView {
  @ApiProperty({ description: 'The person.' })
  guid: string

  @ApiProperty({ description: 'As the login provider says it; need not be unique.' })
  username: string

  @ApiProperty({ description: 'May be empty.' })
  first_name: string

  @ApiProperty({ description: 'May be empty.' })
  last_name: string

  @ApiProperty({ description: 'May be empty.' })
  email: string

  @ApiProperty({ description: 'What the person may do.', enum: ROLES })
  user_role: Role

  @ApiProperty({ description: 'When the person first came.' })
  created_time: string

  @ApiProperty({ description: 'When profile, role or lock last changed.' })
  updated_time: string

  @ApiProperty({ description: 'When the person last logged in; `null` if never.', nullable: true, type: String })
  active_time: string | null

  @ApiProperty({ description: 'Always true: the login provider has confirmed them.' })
  confirmed: boolean

  @ApiProperty({ description: 'Whether the person is kept out for the time being.' })
  locked: boolean

  @ApiPropertyOptional({ description: 'The provider’s unique id; for administrators and the person only.' })
  external_id?: string
}

export class UserPage {
  @ApiProperty({ description: 'In the order of usernames.', type: [UserView] })
  results: UserView[]

  @ApiProperty({ description: 'Counted from 1.' })
  current_page: number

  @ApiProperty({ description: 'How many there are on all pages.' })
  total: number
}

export class UserQuery {
  @ApiPropertyOptional({ description: 'Counted from 1.', type: Number, default: 1 })
  @MayBeAbsent()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  page_number = 1

  @ApiPropertyOptional({ description: 'At most 500.', type: Number, default: 20 })
  @MayBeAbsent()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(500)
  page_size = 20

  @ApiPropertyOptional({ description: 'Beginning of username, first or last name, in any case.' })
  @MayBeAbsent()
  @IsString()
  prefix?: string

  @ApiPropertyOptional({ description: 'One role, or several with `|` between them.', type: String })
  @MayBeAbsent()
  @Transform(toList)
  @IsIn(ROLES, { each: true, ...ROLE })
  user_role?: Role[]

  @ApiPropertyOptional({
    description: '`locked`, `licensed` or `inactive`, or several with `|` between them.',
    type: String,
  })
  @MayBeAbsent()
  @Transform(toList)
  @IsIn(ACCOUNT_STATUSES, { each: true })
  account_status?: AccountStatus[]

  @ApiPropertyOptional({ description: 'Whether the order is ascending.', type: Boolean, default: true })
  @MayBeAbsent()
  @Transform(toBoolean)
  @IsBoolean()
  asc_order = true
}

export class UserBody {
  @ApiPropertyOptional({ description: 'For administrators only.', enum: ROLES })
  @MayBeAbsent()
  @IsIn(ROLES, ROLE)
  user_role?: Role

  @ApiPropertyOptional({ description: 'Is the login provider’s: only its present value is taken.' })
  @MayBeAbsent()
  @IsString()
  username?: string

  @ApiPropertyOptional({ description: 'Is the login provider’s: only its present value is taken.' })
  @MayBeAbsent()
  @IsString()
  first_name?: string

  @ApiPropertyOptional({ description: 'Is the login provider’s: only its present value is taken.' })
  @MayBeAbsent()
  @IsString()
  last_name?: string

  @ApiPropertyOptional({ description: 'Is the login provider’s: only its present value is taken.' })
  @MayBeAbsent()
  @IsString()
  email?: string
}

export class LockBody {
  @ApiProperty({ description: 'Whether the person is to be kept out.' })
  @IsBoolean()
  locked: boolean
}

export const filterOf = (query: UserQuery): UserFilter => ({
  prefix: query.prefix || undefined,
  roles: query.user_role,
  locked: lockedOf(query.account_status),
  ascending: query.asc_order,
  page: query.page_number,
  pageSize: query.page_size,
})

/** Nobody is inactive here, so that word alone finds nobody; see `findsNobody`. */
function lockedOf(statuses: readonly AccountStatus[] | undefined): boolean | undefined {
  if (!statuses || (statuses.includes('locked') && statuses.includes('licensed'))) return undefined
  return statuses.includes('locked')
}

export const findsNobody = ({ account_status: statuses }: UserQuery): boolean =>
  statuses !== undefined && statuses.every((status) => status === 'inactive')

export function userView(user: UserRow, caller: Actor): UserView {
  const person = personOf(caller)
  const mayKnow = person && (person.guid === user.guid || isAtLeast(person.role, 'administrator'))
  return {
    guid: user.guid,
    username: user.username,
    first_name: user.firstName,
    last_name: user.lastName,
    email: user.email,
    user_role: user.role,
    created_time: toTime(user.createdAt),
    updated_time: toTime(user.updatedAt),
    active_time: user.activeAt && toTime(user.activeAt),
    confirmed: true,
    locked: user.locked,
    ...(mayKnow && { external_id: user.externalId }),
  }
}

/** Whether a body asks for another value of a field that is the provider's. */
export const touchesProfile = (body: UserBody, user: UserRow): boolean =>
  (body.username ?? user.username) !== user.username ||
  (body.first_name ?? user.firstName) !== user.firstName ||
  (body.last_name ?? user.lastName) !== user.lastName ||
  (body.email ?? user.email) !== user.email
