import { Body, Controller, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common'
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger'
import { DomainError, isAtLeast, mustBePerson, permissionDenied, type Actor } from '#libs/contracts'
import { Streams } from '#libs/event-sourcing'
import { Audit, Command, CurrentActor, GuidPipe, NotAudited, RequireRole, type CommandContext } from '#libs/service'
import { leaveOneAdministrator } from './first-administrator.js'
import {
  filterOf,
  findsNobody,
  LockBody,
  touchesProfile,
  UserBody,
  UserPage,
  UserQuery,
  userView,
  UserView,
} from './user.dto.js'
import { UserQueries } from './user.queries.js'
import { userStream } from './user.stream.js'

@ApiTags('Users')
@Controller('__api__/v1')
export class UserController {
  constructor(
    private readonly streams: Streams,
    private readonly users: UserQueries,
  ) {}

  @Get('user')
  @ApiOperation({ summary: 'Shows the caller' })
  @ApiOkResponse({ type: UserView })
  @RequireRole('viewer')
  @NotAudited('read only')
  async me(@CurrentActor() actor: Actor): Promise<UserView> {
    return userView(await this.users.get(mustBePerson(actor).guid), actor)
  }

  @Get('users')
  @ApiOperation({ summary: 'Lists people in the order of usernames' })
  @ApiOkResponse({ type: UserPage })
  @RequireRole('viewer')
  @NotAudited('read only')
  async list(@Query() query: UserQuery, @CurrentActor() actor: Actor): Promise<UserPage> {
    const { users, total } = findsNobody(query) ? { users: [], total: 0 } : await this.users.page(filterOf(query))
    return { results: users.map((user) => userView(user, actor)), current_page: query.page_number, total }
  }

  @Get('users/:guid')
  @ApiOperation({ summary: 'Shows one person' })
  @ApiOkResponse({ type: UserView })
  @RequireRole('viewer')
  @NotAudited('read only')
  async get(@Param('guid', GuidPipe) guid: string, @CurrentActor() actor: Actor): Promise<UserView> {
    return userView(await this.users.get(guid), actor)
  }

  @Put('users/:guid')
  @ApiOperation({ summary: 'Gives a person another role; what the login provider says of them is the provider’s' })
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
    if (touchesProfile(body, await this.users.get(guid))) {
      throw new DomainError('invalid', 'user.field_of_provider', 'The login provider owns this field; change it there.')
    }
    if (body.user_role !== undefined) {
      const otherAdministrators = await this.users.otherAdministrators(guid)
      const command = { type: 'AssignRole', editor, role: body.user_role, otherAdministrators } as const
      await this.streams.handle(userStream, guid, command, context, { record: leaveOneAdministrator })
    }
    return userView(await this.users.get(guid), actor)
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
    const editor = mustBePerson(actor)
    const command = locked
      ? ({ type: 'LockUser', guid, editor, otherAdministrators: await this.users.otherAdministrators(guid) } as const)
      : ({ type: 'UnlockUser', editor } as const)
    await this.streams.handle(userStream, guid, command, context, { record: leaveOneAdministrator })
  }
}
