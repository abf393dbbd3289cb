import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common'
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger'
import { DomainError, lower, mustBePerson, permissionDenied, type Actor, type Role } from '#libs/contracts'
import {
  Audit,
  Command,
  createdGuid,
  CurrentActor,
  GuidPipe,
  NotAudited,
  RequireRole,
  toTime,
  type CommandContext,
} from '#libs/service'
import { OwnContent } from '../content-session/own-content.js'
import { mustHaveFullPower } from '../user/full-power.js'
import { UserQueries } from '../user/user.queries.js'
import { apiKeyView, ApiKeyView, NewApiKeyBody } from './api-key.dto.js'
import { ApiKeyQueries } from './api-key.queries.js'
import { ApiKeys } from './api-keys.js'

@ApiTags('API keys')
@Controller('__api__/v1/users/:guid/keys')
export class ApiKeyController {
  constructor(
    private readonly apiKeys: ApiKeys,
    private readonly queries: ApiKeyQueries,
    private readonly users: UserQueries,
    private readonly content: OwnContent,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Lists the caller’s API keys, oldest first' })
  @ApiOkResponse({ type: [ApiKeyView] })
  @RequireRole('viewer')
  @NotAudited('read only')
  async list(@Param('guid', GuidPipe) guid: string, @CurrentActor() actor: Actor): Promise<ApiKeyView[]> {
    return (await this.queries.list(owner(actor, guid).guid)).map((row) => apiKeyView(row))
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Makes an API key for the caller; the answer is the only place where the whole key is shown',
  })
  @ApiOkResponse({ type: ApiKeyView })
  @RequireRole('viewer')
  @Audit('api_key.create')
  async create(
    @Param('guid', GuidPipe) guid: string,
    @Body() body: NewApiKeyBody,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<ApiKeyView> {
    const caller = owner(actor, guid)
    await mustHaveFullPower(actor, this.users)
    // A key makes none that outlasts it, nor one that may do more.
    const bounds = actor.type === 'key' ? await this.queries.bounds(actor.guid) : undefined
    const ownRole = bounds ? lower(caller.role, bounds.role) : caller.role
    const latest = bounds?.expiresAt ?? null
    const keyGuid = createdGuid(context.commandId)
    const { name, user_role: role = ownRole, expires_at: expires, content_guid: contentGuid = null } = body
    const expiresAt = expires ? new Date(expires) : latest
    if (latest && expiresAt! > latest) {
      throw new DomainError(
        'invalid',
        'request.parameter_invalid',
        `The expires_at must not be after the end of the API key that asks (${toTime(latest)}); log in to make a longer one.`,
      )
    }
    if (contentGuid !== null) await this.content.mustBeOf(guid, contentGuid, role)
    const now = new Date()
    const command = { type: 'CreateApiKey', now, userGuid: guid, ownRole, name, role, expiresAt, contentGuid } as const
    const text = await this.apiKeys.create(keyGuid, command, context)
    if (!text) {
      throw new DomainError(
        'conflict',
        'api_key.shown_once',
        'This API key has been created and was shown once; delete it and make another.',
      )
    }
    return apiKeyView(await this.queries.getByGuid(keyGuid), text.reveal())
  }

  @Get(':id')
  @ApiOperation({ summary: 'Shows one of the caller’s API keys' })
  @ApiOkResponse({ type: ApiKeyView })
  @RequireRole('viewer')
  @NotAudited('read only')
  async get(
    @Param('guid', GuidPipe) guid: string,
    @Param('id') id: string,
    @CurrentActor() actor: Actor,
  ): Promise<ApiKeyView> {
    return apiKeyView(await this.queries.get(owner(actor, guid).guid, id))
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Deletes one of the caller’s API keys; it is good for nothing from then on' })
  @ApiNoContentResponse()
  @RequireRole('viewer')
  @Audit('api_key.delete')
  async delete(
    @Param('guid', GuidPipe) guid: string,
    @Param('id') id: string,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<void> {
    const key = await this.queries.get(owner(actor, guid).guid, id)
    await mustHaveFullPower(actor, this.users)
    await this.apiKeys.delete(key.guid, context)
  }
}

/** The caller, if the keys are theirs. @throws DomainError `permission.denied` for everybody else, administrators too */
function owner(actor: Actor, guid: string): { guid: string; role: Role } {
  const caller = mustBePerson(actor)
  if (caller.guid !== guid) throw permissionDenied()
  return caller
}
