import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common'
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger'
import type { Response } from 'express'
import { DomainError, isAtLeast, mustBePerson, permissionDenied, type Actor } from '#libs/contracts'
import {
  Audit,
  AuthorizationSettings,
  Command,
  createdGuid,
  CurrentActor,
  GuidPipe,
  NotAudited,
  OAuth2Settings,
  RequireRole,
  ServerSettings,
  type CommandContext,
} from '#libs/service'
import { mustHaveFullPower } from './full-power.js'
import { People } from './people.js'
import {
  filterOf,
  LockBody,
  NewUserBody,
  UserBody,
  UserPage,
  UserQuery,
  userView,
  UserView,
  wantedOf,
} from './user.dto.js'
import { UserQueries, type UserRow } from './user.queries.js'
import { usersCsv, wantsCsv } from './users.csv.js'

@ApiTags('Users')
@Controller('__api__/v1')
export class UserController {
  constructor(
    private readonly people: People,
    private readonly users: UserQueries,
    private readonly oauth2: OAuth2Settings,
    private readonly authorization: AuthorizationSettings,
    private readonly server: ServerSettings,
  ) {}

  @Get('user')
  @ApiOperation({ summary: 'Shows the caller' })
  @ApiOkResponse({ type: UserView })
  @RequireRole('viewer')
  @NotAudited('read only')
  async me(@CurrentActor() actor: Actor): Promise<UserView> {
    return this.#view(await this.users.get(mustBePerson(actor).guid), actor)
  }

  @Get('users')
  @ApiOperation({
    summary: 'Lists people',
    description: 'Administrators get the same page as a table by `Accept: text/csv`.',
  })
  @ApiProduces('application/json', 'text/csv')
  @ApiOkResponse({ type: UserPage })
  @RequireRole('viewer')
  @NotAudited('read only')
  async list(
    @Query() query: UserQuery,
    @CurrentActor() actor: Actor,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) response: Response,
  ): Promise<UserPage | string> {
    const caller = mustBePerson(actor)
    const isCsv = wantsCsv(accept)
    if (isCsv && !isAtLeast(caller.role, 'administrator')) throw permissionDenied()
    const only = this.#seesOnlyThemselves(actor) ? caller.guid : undefined
    const { users, total } = await this.users.page(filterOf(query, only))
    const results = users.map((user) => this.#view(user, actor))
    response.vary('Accept')
    if (!isCsv) return { results, current_page: query.page_number, total }
    response.type('text/csv; charset=utf-8; header=present')
    return usersCsv(results)
  }

  @Post('users')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Makes a person ahead of their first login, which finds them by external_id',
    description: 'Not with Google, where people are found in the directory and added by PUT.',
  })
  @ApiOkResponse({ type: UserView })
  @RequireRole('administrator')
  @Audit('user.create')
  async create(
    @Body() body: NewUserBody,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<UserView> {
    if (this.oauth2.isGoogle) {
      throw new DomainError(
        'invalid',
        'user.wants_ticket',
        'With Google, find the person by GET /v1/users/remote and add them by PUT /v1/users.',
      )
    }
    const guid = createdGuid(context.commandId, 'user')
    const person = {
      username: mustBeGiven(body.username, 'username'),
      firstName: body.first_name ?? '',
      lastName: body.last_name ?? '',
      email: body.email ?? '',
      externalId: uniqueIdOf(body),
      role: body.user_role,
    }
    await this.people.register(guid, 'administrator', person, context)
    return this.#view(await this.users.get(guid), actor)
  }

  @Get('users/:guid')
  @ApiOperation({ summary: 'Shows one person' })
  @ApiOkResponse({ type: UserView })
  @RequireRole('viewer')
  @NotAudited('read only')
  async get(@Param('guid', GuidPipe) guid: string, @CurrentActor() actor: Actor): Promise<UserView> {
    if (this.#seesOnlyThemselves(actor) && mustBePerson(actor).guid !== guid) throw notFound()
    return this.#view(await this.users.get(guid), actor)
  }

  @Put('users/:guid')
  @ApiOperation({ summary: 'Changes what of a person may be changed here: see GET /server_settings' })
  @ApiOkResponse({ type: UserView })
  @RequireRole('viewer')
  @Audit('user.change')
  async change(
    @Param('guid', GuidPipe) guid: string,
    @Body() body: UserBody,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<UserView> {
    const editor = mustBePerson(actor)
    if (editor.guid !== guid && !isAtLeast(editor.role, 'administrator')) throw permissionDenied()
    if (editor.guid === guid) await mustHaveFullPower(actor, this.users)
    await this.people.change(guid, wantedOf(body), editor, context)
    return this.#view(await this.users.get(guid), actor)
  }

  @Post('users/:guid/lock')
  @HttpCode(200)
  @ApiOperation({ summary: 'Keeps a person out, or lets them in again; locking ends their sessions' })
  @ApiOkResponse({ description: 'Empty.' })
  @RequireRole('administrator')
  @Audit('user.lock')
  async lock(
    @Param('guid', GuidPipe) guid: string,
    @Body() { locked }: LockBody,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<void> {
    await this.people.lock(guid, locked, mustBePerson(actor), context)
  }

  @Delete('users/:guid/sessions')
  @HttpCode(204)
  @ApiOperation({ summary: 'Ends all browser sessions of a person: their own, or anybody’s for administrators' })
  @ApiNoContentResponse()
  @RequireRole('viewer')
  @Audit('user.end_sessions')
  async endSessions(
    @Param('guid', GuidPipe) guid: string,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<void> {
    const caller = mustBePerson(actor)
    if (caller.guid !== guid && !isAtLeast(caller.role, 'administrator')) throw permissionDenied()
    if (caller.guid === guid) await mustHaveFullPower(actor, this.users)
    await this.people.endSessions(guid, caller.guid === guid ? 'logout' : 'administrator', context)
  }

  #view(user: UserRow, actor: Actor): UserView {
    return userView(user, actor, this.server.hideEmailAddresses)
  }

  #seesOnlyThemselves(actor: Actor): boolean {
    return this.authorization.viewersCanOnlySeeThemselves && mustBePerson(actor).role === 'viewer'
  }
}

/** @throws DomainError `user.unique_id_blank` */
function uniqueIdOf({ external_id: externalId, unique_id: uniqueId }: NewUserBody): string {
  const id = externalId || uniqueId || ''
  if (id.trim() !== '') return id
  throw new DomainError(
    'invalid',
    'user.unique_id_blank',
    'The external_id must be the unique ID that the login provider states of this person.',
  )
}

/** @throws DomainError `request.parameter_missing` */
function mustBeGiven(value: string | undefined, name: string): string {
  if (value !== undefined) return value
  throw new DomainError('invalid', 'request.parameter_missing', `The parameter ${name} is required.`)
}

const notFound = (): DomainError => new DomainError('not_found', 'user.not_found', 'This user does not exist.')
