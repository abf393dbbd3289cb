import { Controller, Delete, Get, HttpCode, Param, Query } from '@nestjs/common'
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiProperty, ApiQuery, ApiTags } from '@nestjs/swagger'
import { DomainError, isAtLeast, mustBePerson, permissionDenied, type Actor, type Person } from '#libs/contracts'
import { Streams } from '#libs/event-sourcing'
import {
  Audit,
  Command,
  CurrentActor,
  GuidPipe,
  NotAudited,
  RequireRole,
  toBoolean,
  toTime,
  type CommandContext,
} from '#libs/service'
import { grantStream } from '../grant/grant.stream.js'
import { endGrant } from '../revocation/end-grant.js'
import { Revocations } from '../revocation/revocations.js'
import { Safe } from '../safe/index.js'
import { SessionQueries, type SessionRow } from './session.queries.js'

/** What a viewer has let this server do at a provider. */
export class OAuthSessionView {
  @ApiProperty({ type: String })
  id: string

  @ApiProperty({ type: String, format: 'uuid' })
  guid: string

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  user_guid: string | null

  @ApiProperty({ type: String, format: 'uuid' })
  oauth_integration_guid: string

  @ApiProperty({ type: Boolean })
  has_refresh_token: boolean

  @ApiProperty({
    type: String,
    nullable: true,
    description: 'As the viewer granted it, perhaps less than was asked for; null when the provider did not say.',
  })
  scope: string | null

  @ApiProperty({ type: String, nullable: true, description: 'As the integration asks for it now.' })
  requested_scope: string | null

  @ApiProperty({ type: String, format: 'date-time' })
  created_time: string

  @ApiProperty({ type: String, format: 'date-time' })
  updated_time: string
}

@ApiTags('OAuth sessions')
@Controller('__api__/v1/oauth/sessions')
export class SessionController {
  constructor(
    private readonly sessions: SessionQueries,
    private readonly streams: Streams,
    private readonly safe: Safe,
    private readonly revocations: Revocations,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Lists the caller’s OAuth sessions, or everybody’s for administrators, oldest first' })
  @ApiQuery({ name: 'all', required: false, description: 'Everybody’s; for administrators.' })
  @ApiOkResponse({ type: [OAuthSessionView] })
  @RequireRole('viewer')
  @NotAudited('read only')
  async list(@Query('all') all: unknown, @CurrentActor() actor: Actor): Promise<OAuthSessionView[]> {
    const person = mustBePerson(actor)
    const everybody = toBoolean({ value: all }) === true
    if (everybody && !isAdministrator(person)) throw permissionDenied()
    return (await this.sessions.list(everybody ? null : person.guid)).map(view)
  }

  @Get(':guid')
  @ApiOperation({ summary: 'Shows one OAuth session' })
  @ApiOkResponse({ type: OAuthSessionView })
  @RequireRole('viewer')
  @NotAudited('read only')
  async get(@Param('guid', GuidPipe) guid: string, @CurrentActor() actor: Actor): Promise<OAuthSessionView> {
    return view(await this.#get(guid, mustBePerson(actor)))
  }

  @Delete(':guid')
  @HttpCode(204)
  @ApiOperation({ summary: 'Ends an OAuth session: at once here, and at the provider as soon as that answers' })
  @ApiNoContentResponse()
  @RequireRole('viewer')
  @Audit('grant.revoke')
  async delete(
    @Param('guid', GuidPipe) guid: string,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<void> {
    if (actor.type === 'key' && actor.visit !== undefined)
      throw new DomainError(
        'forbidden',
        'permission.denied',
        'An API key that was made for a visit can only read this.',
      )
    if (await this.streams.former(grantStream, guid, context)) return
    const person = mustBePerson(actor)
    const { userGuid } = await this.#get(guid, person)
    const { streams, safe } = this
    await endGrant({ streams, safe }, guid, userGuid === person.guid ? 'user' : 'administrator', context)
    this.revocations.wake()
  }

  /** @throws DomainError `object.not_found`, for somebody else's too */
  async #get(guid: string, person: Person): Promise<SessionRow> {
    const session = await this.sessions.find(guid)
    if (!session || (session.userGuid !== person.guid && !isAdministrator(person)))
      throw new DomainError('not_found', 'object.not_found', 'This OAuth session does not exist.')
    return session
  }
}

const isAdministrator = ({ role }: Person): boolean => isAtLeast(role, 'administrator')

const view = ({
  id,
  guid,
  userGuid,
  integrationGuid,
  hasRefreshToken,
  scope,
  requestedScope,
  createdAt,
  updatedAt,
}: SessionRow): OAuthSessionView => ({
  id,
  guid,
  user_guid: userGuid,
  oauth_integration_guid: integrationGuid,
  has_refresh_token: hasRefreshToken,
  scope,
  requested_scope: requestedScope,
  created_time: toTime(createdAt),
  updated_time: toTime(updatedAt),
})
