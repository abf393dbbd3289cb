import { Body, Controller, Get, Put, Query, Res } from '@nestjs/common'
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger'
import type { Response } from 'express'
import { DIRECTORY_HEADER, isAtLeast, mustBePerson, type Actor } from '#libs/contracts'
import {
  Audit,
  Command,
  CurrentActor,
  NotAudited,
  RequireRole,
  ServerSettings,
  type CommandContext,
} from '#libs/service'
import { userView, UserView } from '../user/user.dto.js'
import { UserQueries } from '../user/user.queries.js'
import { RemoteUserPage, RemoteUserQuery, remoteUserView, TicketBody } from './directory.dto.js'
import { DIRECTORY_STATES, PeopleSearch } from './people-search.js'

@ApiTags('Users')
@Controller('__api__/v1/users')
export class DirectoryController {
  constructor(
    private readonly search: PeopleSearch,
    private readonly users: UserQueries,
    private readonly server: ServerSettings,
  ) {}

  @Get('remote')
  @ApiOperation({
    summary: 'Searches the provider’s directory and the people who are known here',
    description:
      'With Google only. The directory is searched on behalf of the caller, as long as their login at Google lasts; without it, and with an API key, known people are found.',
  })
  @ApiOkResponse({
    type: RemoteUserPage,
    headers: {
      // Not in the page: clients know exactly its three members.
      'Directory-State': {
        description:
          'Whether the provider’s directory was asked: `login_needed`, the caller has to log in (again) in a browser; `unavailable`, it did not answer; `not_asked`, the prefix is blank.',
        schema: { type: 'string', enum: [...DIRECTORY_STATES] },
      },
    },
  })
  @RequireRole('publisher')
  @NotAudited('read only')
  async find(
    @Query() { prefix }: RemoteUserQuery,
    @CurrentActor() actor: Actor,
    @Res({ passthrough: true }) response: Response,
  ): Promise<RemoteUserPage> {
    const caller = mustBePerson(actor)
    const { found, directory } = await this.search.search(prefix, caller, actor)
    const hideEmail = this.server.hideEmailAddresses && !isAtLeast(caller.role, 'administrator')
    const results = found.map((person) => remoteUserView(person, actor, hideEmail))
    response.setHeader(DIRECTORY_HEADER, directory)
    return { results, current_page: 1, total: results.length }
  }

  @Put()
  @ApiOperation({
    summary: 'Makes the account of somebody whom GET /v1/users/remote has found; somebody who has one keeps it',
    description: 'With Google only. Where `OAuth2.RegisterOnFirstLogin` is off, only administrators make accounts.',
  })
  @ApiOkResponse({ type: UserView })
  @RequireRole('publisher')
  @Audit('user.create')
  async add(
    @Body() body: TicketBody,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<UserView> {
    const wishes = { role: body.user_role, username: body.username }
    const guid = await this.search.add(body.temp_ticket, wishes, mustBePerson(actor), context)
    return userView(await this.users.get(guid), actor, this.server.hideEmailAddresses)
  }
}
