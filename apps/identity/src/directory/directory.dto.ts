import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { IsIn, IsString, Matches, MaxLength } from 'class-validator'
import { ROLES, type Actor, type Role } from '#libs/contracts'
import { MayBeAbsent, refusedAs } from '#libs/service'
import { userView } from '../user/user.dto.js'
import type { PersonFound } from './people-search.js'

const ROLE = refusedAs('role.unknown', `The user_role must be one of (${ROLES.join(', ')}).`)
const NO_USERNAME = refusedAs('user.username_invalid', 'The username must be a text without control characters.')
const NO_TICKET = refusedAs('user.temp_ticket_invalid', 'The temp_ticket must be one of GET /v1/users/remote.')

/** A person whom a search has found. What only people with an account have is `null` for the others. */
export class RemoteUserView {
  @ApiProperty({ description: 'The person; `null` without an account here.', nullable: true, type: String })
  guid: string | null

  @ApiProperty({ description: 'For PUT /v1/users; good for the caller alone, and for 15 minutes.' })
  temp_ticket: string

  @ApiProperty({ description: 'Without an account: the one that it would get, but for a number if that is taken.' })
  username: string

  @ApiProperty({ description: 'May be empty.' })
  first_name: string

  @ApiProperty({ description: 'May be empty.' })
  last_name: string

  @ApiProperty({ description: 'May be empty; is so where the addresses of others are hidden.' })
  email: string

  @ApiProperty({ description: 'What the person may do.', enum: ROLES, nullable: true })
  user_role: Role | null

  @ApiProperty({ description: 'When the person first came.', nullable: true, type: String })
  created_time: string | null

  @ApiProperty({ description: 'When profile, role or lock last changed.', nullable: true, type: String })
  updated_time: string | null

  @ApiProperty({ description: 'When the person was last active, about.', nullable: true, type: String })
  active_time: string | null

  @ApiProperty({ description: 'Whether the person has an account.' })
  confirmed: boolean

  @ApiProperty({ description: 'Whether the person is kept out for the time being.' })
  locked: boolean

  @ApiPropertyOptional({ description: 'The provider’s unique id; for administrators and the person only.' })
  external_id?: string
}

export class RemoteUserPage {
  @ApiProperty({ description: 'Those with an account come first.', type: [RemoteUserView] })
  results: RemoteUserView[]

  @ApiProperty({ description: 'Always 1: who is not found has to be asked for more narrowly.' })
  current_page: number

  @ApiProperty({ description: 'How many there are in `results`.' })
  total: number
}

export class RemoteUserQuery {
  @ApiPropertyOptional({ description: 'Beginning of a name or an address, at most 100 characters.', default: '' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(100)
  @Matches(/^\P{Cc}*$/u)
  prefix = ''
}

/** A person whom a search has found. */
export class TicketBody {
  @ApiProperty({ description: 'As GET /v1/users/remote has given it to this caller.' })
  @MayBeAbsent()
  @IsString(NO_TICKET)
  temp_ticket?: string

  @ApiPropertyOptional({
    description: 'Given by administrators only; the default one otherwise. Who has an account keeps theirs.',
    enum: ROLES,
  })
  @MayBeAbsent()
  @IsIn(ROLES, ROLE)
  user_role?: Role

  @ApiPropertyOptional({ description: 'Given by administrators only; made of the address otherwise.' })
  @MayBeAbsent()
  @IsString(NO_USERNAME)
  @MaxLength(255, NO_USERNAME)
  username?: string
}

/** @param hideEmail whether only administrators see the e-mail addresses of others */
export function remoteUserView(found: PersonFound, caller: Actor, hideEmail: boolean): RemoteUserView {
  if ('known' in found) return { ...userView(found.known, caller, hideEmail), temp_ticket: found.ticket }
  const { username, unknown } = found
  return {
    guid: null,
    temp_ticket: found.ticket,
    username,
    first_name: unknown.firstName,
    last_name: unknown.lastName,
    email: hideEmail ? '' : unknown.email,
    user_role: null,
    created_time: null,
    updated_time: null,
    active_time: null,
    confirmed: false,
    locked: false,
  }
}
