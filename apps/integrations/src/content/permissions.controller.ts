import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common'
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger'
import type { Actor } from '#libs/contracts'
import { Streams } from '#libs/event-sourcing'
import { Audit, Command, CurrentActor, GuidPipe, NotAudited, RequireRole, type CommandContext } from '#libs/service'
import { contentStream } from './content.stream.js'
import { Editing } from './editing.js'
import { PermissionBody, PermissionRoleBody, permissionView, PermissionView } from './permission.dto.js'
import { PermissionQueries } from './permission.queries.js'
import type { PermissionRole, PrincipalType } from './permission.rules.js'
import { Principals } from './principals.js'

/** Who beside its owner may visit and change a content item. */
@ApiTags('Content permissions')
@Controller('__api__/v1/content/:guid/permissions')
export class PermissionsController {
  constructor(
    private readonly streams: Streams,
    private readonly editing: Editing,
    private readonly permissions: PermissionQueries,
    private readonly principals: Principals,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Lists who has access, beside the owner; for those who may change the content' })
  @ApiOkResponse({ type: [PermissionView] })
  @RequireRole('publisher')
  @NotAudited('read only')
  async list(@Param('guid', GuidPipe) guid: string, @CurrentActor() actor: Actor): Promise<PermissionView[]> {
    await this.editing.of(guid, actor)
    return (await this.permissions.list(guid)).map(permissionView)
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({ summary: 'Gives a person or group access; if they have some, changes its role' })
  @ApiOkResponse({ type: PermissionView })
  @RequireRole('publisher')
  @Audit('content.permit')
  async set(
    @Param('guid', GuidPipe) guid: string,
    @Body() body: PermissionBody,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<PermissionView> {
    return this.#set(guid, body.principal_guid, body.principal_type, body.role, actor, context)
  }

  @Get(':id')
  @ApiOperation({ summary: 'Shows one entry' })
  @ApiOkResponse({ type: PermissionView })
  @RequireRole('publisher')
  @NotAudited('read only')
  async get(
    @Param('guid', GuidPipe) guid: string,
    @Param('id') id: string,
    @CurrentActor() actor: Actor,
  ): Promise<PermissionView> {
    await this.editing.of(guid, actor)
    return permissionView(await this.permissions.get(guid, id))
  }

  @Put(':id')
  @ApiOperation({ summary: 'Changes the role of one entry' })
  @ApiOkResponse({ type: PermissionView })
  @RequireRole('publisher')
  @Audit('content.permit')
  async change(
    @Param('guid', GuidPipe) guid: string,
    @Param('id') id: string,
    @Body() { role }: PermissionRoleBody,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<PermissionView> {
    await this.editing.of(guid, actor)
    const { principalGuid, principalType } = await this.permissions.get(guid, id)
    return this.#set(guid, principalGuid, principalType, role, actor, context)
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Takes the access away' })
  @ApiNoContentResponse()
  @RequireRole('publisher')
  @Audit('content.forbid')
  async revoke(
    @Param('guid', GuidPipe) guid: string,
    @Param('id') id: string,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<void> {
    // A repeat may come from somebody who has taken their own access away, and is answered as the first time.
    if (await this.streams.former(contentStream, guid, context)) return
    const { editor } = await this.editing.of(guid, actor)
    const { principalGuid } = await this.permissions.get(guid, id)
    await this.streams.handle(contentStream, guid, { type: 'RevokePermission', editor, principalGuid }, context)
  }

  async #set(
    guid: string,
    principalGuid: string,
    principalType: PrincipalType,
    role: PermissionRole,
    actor: Actor,
    context: CommandContext,
  ): Promise<PermissionView> {
    const { editor } = await this.editing.of(guid, actor)
    const principal = await this.principals.find(principalGuid, principalType)
    await this.streams.handle(contentStream, guid, { type: 'SetPermission', editor, principal, role }, context)
    return permissionView(await this.permissions.ofPrincipal(guid, principalGuid))
  }
}
