import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'

const EDITORS = ['provider', 'adminandself', 'admin'] as const
const editors = (what: string) => ({
  description: `Who may edit ${what}: nobody, since each login takes it from the provider; administrators and the person; or administrators.`,
  enum: EDITORS,
})
type EditableBy = (typeof EDITORS)[number]

/** What the way of logging in can do. Those who are not logged in are told no more than the first six members. */
export class AuthenticationView {
  @ApiProperty({ description: 'Always `OAuth2`: OpenID Connect.' })
  name: string

  @ApiProperty({ description: 'Always false: passwords are the provider’s business.' })
  handles_credentials: boolean

  @ApiProperty({ description: 'Always true: a login leads to the provider and back.' })
  handles_login: boolean

  @ApiProperty({ description: 'Always false.' })
  challenge_response_enabled: boolean

  @ApiProperty({ description: 'Always empty.' })
  notice: string

  @ApiProperty({ description: 'Always 0.' })
  warning_delay: number

  @ApiPropertyOptional({ description: 'Whether `Authorization: Key` is understood: always.' })
  API_key_auth?: boolean

  @ApiPropertyOptional({ description: 'Whether there are groups.' })
  groups_enabled?: boolean

  @ApiPropertyOptional({ description: 'Whether logins bring profiles: always.' })
  external_user_data?: boolean

  @ApiPropertyOptional({ description: 'Whether people can be searched for at the provider.' })
  external_user_search?: boolean

  @ApiPropertyOptional({ description: 'Whether a person who is made ahead of their first login needs an external_id.' })
  external_user_id?: boolean

  @ApiPropertyOptional({ description: 'Whether groups can be searched for at the provider: never.' })
  external_group_search?: boolean

  @ApiPropertyOptional({ description: 'Whether groups are matched by the provider’s unique ID.' })
  external_group_id?: boolean

  @ApiPropertyOptional({ description: 'Whether each login takes the memberships from the provider.' })
  external_group_members?: boolean

  @ApiPropertyOptional({ description: 'Whether logins make groups, which then have no owner here.' })
  external_group_owner?: boolean

  @ApiPropertyOptional({ description: 'Whether two people never have the same username.' })
  unique_usernames?: boolean

  @ApiPropertyOptional({ ...editors('first and last names: the stricter of the two') })
  name_editable_by?: EditableBy

  @ApiPropertyOptional({ ...editors('first names') })
  first_name_editable_by?: EditableBy

  @ApiPropertyOptional({ ...editors('last names') })
  last_name_editable_by?: EditableBy

  @ApiPropertyOptional({ ...editors('e-mail addresses') })
  email_editable_by?: EditableBy

  @ApiPropertyOptional({ ...editors('usernames') })
  username_editable_by?: EditableBy

  @ApiPropertyOptional({ ...editors('roles') })
  role_editable_by?: EditableBy
}

/** What clients want to know before they do anything. Without credentials: what a login page needs. */
export class ServerSettingsView {
  @ApiProperty({
    description:
      'Of the Connect API that clients may expect; `null` without credentials, so that nobody learns it in passing.',
    nullable: true,
    type: String,
  })
  version: string | null

  @ApiProperty({ description: 'For people.' })
  system_display_name: string

  @ApiProperty({ description: 'How people log in.', type: AuthenticationView })
  authentication: AuthenticationView

  @ApiProperty({ description: 'Where people look at the server, without its address.' })
  dashboard_path: string

  @ApiProperty({ description: 'Where a browser’s session ends, without the server’s address.' })
  logout_url: string

  @ApiProperty({ description: 'Whether a first login makes an account.' })
  self_registration: boolean

  @ApiPropertyOptional({ description: 'Host of the server’s address.' })
  hostname?: string

  @ApiPropertyOptional({ description: 'Name and version, for people.' })
  about?: string

  @ApiPropertyOptional({ description: 'What clients look for in a license; all of it is there.', type: Object })
  license?: Record<string, boolean | string>

  @ApiPropertyOptional({ description: 'Always true.' })
  oauth_integrations_enabled?: boolean

  @ApiPropertyOptional({ description: 'Whether viewers find nobody but themselves among the people.' })
  viewers_can_only_see_themselves?: boolean

  @ApiPropertyOptional({ description: 'Usernames that nobody can have.', type: [String] })
  prohibited_usernames?: readonly string[]

  @ApiPropertyOptional({ description: 'Role of a new account when nothing else gives one.' })
  default_user_role?: string

  @ApiPropertyOptional({ description: 'Always empty: content runs elsewhere.', type: [String] })
  runtimes?: string[]

  @ApiPropertyOptional({ description: 'Always false.' })
  git_enabled?: boolean

  @ApiPropertyOptional({ description: 'Whether content can be locked: not yet.' })
  locked_content_enabled?: boolean
}

/** Content runs elsewhere, so there is nothing of this runtime here. */
export class InstallationsView {
  @ApiProperty({ description: 'Always empty.', type: [Object] })
  installations: []

  @ApiProperty({ description: 'Always false.' })
  api_enabled: boolean
}

export class TimezoneView {
  @ApiProperty({ description: 'Name in the IANA database.' })
  timezone: string

  @ApiProperty({ description: 'From UTC, just now: `+01:00`.' })
  offset: string
}
