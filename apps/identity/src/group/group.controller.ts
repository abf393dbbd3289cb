import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Put, Query, UseGuards } from '@nestjs/common'
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger'
import { DomainError, mustBePerson, permissionDenied, type Actor, type Person } from '#libs/contracts'
import { Streams } from '#libs/event-sourcing'
import {
  Audit,
  AuthorizationSettings,
  Command,
  CurrentActor,
  GuidPipe,
  NotAudited,
  OAuth2Settings,
  RequireRole,
  ServerSettings,
  type CommandContext,
} from '#libs/service'
import { mustHaveFullPower } from '../user/full-power.js'
import { userView } from '../user/user.dto.js'
import { UserQueries } from '../user/user.queries.js'
import { userStream } from '../user/user.stream.js'
import { mayCreate, mayManage } from './group-rules.js'
import type { GroupChanges } from './group.decider.js'
import {
  GroupBody,
  GroupPage,
  GroupQuery,
  groupView,
  GroupView,
  MemberBody,
  MemberPage,
  MemberQuery,
  NewGroupBody,
} from './group.dto.js'
import { GroupQueries } from './group.queries.js'
import { Groups } from './groups.js'
import { GroupsOnGuard } from './groups-on.guard.js'

@ApiTags('Groups')
@Controller('__api__/v1/groups')
@UseGuards(GroupsOnGuard)
export class GroupController {
  constructor(
    private readonly streams: Streams,
    private readonly groups: Groups,
    private readonly queries: GroupQueries,
    private readonly users: UserQueries,
    private readonly oauth2: OAuth2Settings,
    private readonly authorization: AuthorizationSettings,
    private readonly server: ServerSettings,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Lists groups in the order of names' })
  @ApiOkResponse({ type: GroupPage })
  @RequireRole('viewer')
  @NotAudited('read only')
  async list(@Query() query: GroupQuery): Promise<GroupPage> {
    const { prefix, page_number: page, page_size: pageSize } = query
    const { groups, total } = await this.queries.page({ prefix: prefix || undefined, page, pageSize })
    return { results: groups.map(groupView), current_page: page, total }
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({ summary: 'Makes a group that belongs to the caller' })
  @ApiOkResponse({ type: GroupView })
  @RequireRole('viewer')
  @Audit('group.create')
  async create(
    @Body() { name, unique_id: uniqueId }: NewGroupBody,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<GroupView> {
    const person = mustBePerson(actor)
    if (!mayCreate(person, this.authorization)) throw permissionDenied()
    const group = { name, ownerGuid: person.guid, uniqueId: this.#uniqueId(uniqueId) }
    return groupView(await this.queries.get(await this.groups.create(group, context)))
  }

  @Put()
  @ApiOperation({ summary: 'Is for providers whose groups can be searched; never here' })
  @ApiOkResponse({ type: GroupView })
  @RequireRole('viewer')
  @NotAudited('does nothing')
  add(@CurrentActor() actor: Actor): GroupView {
    if (!mayCreate(mustBePerson(actor), this.authorization)) throw permissionDenied()
    throw new DomainError(
      'invalid',
      'group.temp_ticket_unsupported',
      'The login provider’s groups cannot be added by a ticket: make the group with POST.',
    )
  }

  @Get('remote')
  @ApiOperation({ summary: 'Is for providers whose groups can be searched; never here' })
  @ApiOkResponse({ type: GroupPage })
  @RequireRole('viewer')
  @NotAudited('read only')
  remote(): GroupPage {
    throw new DomainError('invalid', 'group.no_remote_search', 'The login provider’s groups cannot be searched.')
  }

  @Get(':guid')
  @ApiOperation({ summary: 'Shows one group' })
  @ApiOkResponse({ type: GroupView })
  @RequireRole('viewer')
  @NotAudited('read only')
  async get(@Param('guid', GuidPipe) guid: string): Promise<GroupView> {
    return groupView(await this.queries.get(guid))
  }

  @Patch(':guid')
  @ApiOperation({ summary: 'Changes what is named in the body; the rest stays' })
  @ApiOkResponse({ type: GroupView })
  @RequireRole('viewer')
  @Audit('group.change')
  async change(
    @Param('guid', GuidPipe) guid: string,
    @Body() body: GroupBody,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<GroupView> {
    const { name, owner_guid: ownerGuid } = body
    const changes = { name, ownerGuid: ownerGuid && ownerGuid.toLowerCase() }
    return this.#change(guid, changes, mustBePerson(actor), context)
  }

  @Post(':guid')
  @HttpCode(200)
  @ApiOperation({ summary: 'Changes a group, as PATCH does, for older clients' })
  @ApiOkResponse({ type: GroupView })
  @RequireRole('viewer')
  @Audit('group.change')
  async rename(
    @Param('guid', GuidPipe) guid: string,
    @Body() body: GroupBody,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<GroupView> {
    return this.change(guid, body, actor, context)
  }

  @Delete(':guid')
  @HttpCode(204)
  @ApiOperation({ summary: 'Removes a group; what its members had by it they lose at once' })
  @ApiNoContentResponse()
  @RequireRole('viewer')
  @Audit('group.delete')
  async delete(
    @Param('guid', GuidPipe) guid: string,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<void> {
    await this.groups.delete(guid, mustBePerson(actor), context)
  }

  @Get(':guid/members')
  @ApiOperation({ summary: 'Lists the people in a group in the order in which they joined' })
  @ApiOkResponse({ type: MemberPage })
  @RequireRole('viewer')
  @NotAudited('read only')
  async members(
    @Param('guid', GuidPipe) guid: string,
    @Query() { page_number: page, page_size: pageSize }: MemberQuery,
    @CurrentActor() actor: Actor,
  ): Promise<MemberPage> {
    await this.queries.get(guid)
    const person = mustBePerson(actor)
    const alone = this.authorization.viewersCanOnlySeeThemselves && person.role === 'viewer'
    const { guids, total } = await this.queries.members(guid, page, pageSize, alone ? person.guid : undefined)
    const users = await this.users.many(guids)
    return {
      results: users.map((user) => userView(user, actor, this.server.hideEmailAddresses)),
      current_page: page,
      total,
    }
  }

  @Post(':guid/members')
  @HttpCode(204)
  @ApiOperation({ summary: 'Makes somebody a member, until the login provider says otherwise at their next login' })
  @ApiNoContentResponse()
  @RequireRole('viewer')
  @Audit('group.add_member')
  async addMember(
    @Param('guid', GuidPipe) guid: string,
    @Body() { user_guid: userGuid }: MemberBody,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<void> {
    const person = mustBePerson(actor)
    const memberGuid = userGuid.toLowerCase()
    if (!mayManage(person, await this.queries.get(guid))) throw permissionDenied()
    if (person.guid === memberGuid) await mustHaveFullPower(actor, this.users)
    await this.streams.handle(userStream, memberGuid, { type: 'JoinGroup', group: guid }, context)
  }

  @Delete(':guid/members/:user_guid')
  @HttpCode(204)
  @ApiOperation({ summary: 'Ends a membership; everybody may leave a group' })
  @ApiNoContentResponse()
  @RequireRole('viewer')
  @Audit('group.remove_member')
  async removeMember(
    @Param('guid', GuidPipe) guid: string,
    @Param('user_guid', GuidPipe) userGuid: string,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<void> {
    const person = mustBePerson(actor)
    const group = await this.queries.get(guid)
    if (person.guid !== userGuid && !mayManage(person, group)) throw permissionDenied()
    if (person.guid === userGuid) await mustHaveFullPower(actor, this.users)
    await this.streams.handle(userStream, userGuid, { type: 'LeaveGroup', group: guid }, context)
  }

  async #change(guid: string, changes: GroupChanges, person: Person, context: CommandContext): Promise<GroupView> {
    await this.groups.change(guid, changes, person, context)
    return groupView(await this.queries.get(guid))
  }

  /** @throws DomainError `request.parameter_invalid`, `group.unique_id_blank` */
  #uniqueId(given: string | null | undefined): string | undefined {
    if (this.oauth2.groupsByUniqueId) return given ?? ''
    if (given === undefined || given === null) return undefined
    throw new DomainError(
      'invalid',
      'request.parameter_invalid',
      'The parameter unique_id is for servers that match groups by unique ID (OAuth2.GroupsByUniqueId).',
    )
  }
}
