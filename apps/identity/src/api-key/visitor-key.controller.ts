import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import { IsIn } from 'class-validator'
import { DomainError, lower, ROLES, type Role } from '#libs/contracts'
import { Audit, Command, createdGuid, IsGuid, ServiceOnly, type CommandContext } from '#libs/service'
import { UserQueries } from '../user/user.queries.js'
import { ApiKeys } from './api-keys.js'

/** So that an app can use it for as long as somebody looks at it; it does not end with their session. */
const LIFETIME_SECONDS = 3600

class VisitorKeyBody {
  @IsGuid()
  user_guid: string

  @IsIn(ROLES)
  role: Role

  @IsGuid()
  content_guid: string
}

/** Short-lived keys by which content acts as its visitor at this server's own API. */
@ApiExcludeController()
@Controller('internal/visitor-keys')
export class VisitorKeyController {
  constructor(
    private readonly apiKeys: ApiKeys,
    private readonly users: UserQueries,
  ) {}

  @Post()
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ServiceOnly('issueVisitorKey')
  @Audit('api_key.create')
  async issue(
    @Body() { user_guid: userGuid, role: most, content_guid }: VisitorKeyBody,
    @Command() context: CommandContext,
  ): Promise<{ key: string; expires_in: number }> {
    const user = await this.users.find(userGuid)
    if (!user || user.locked) throw new DomainError('not_found', 'user.not_found', 'This user does not exist.')
    const now = new Date()
    const key = await this.apiKeys.create(
      createdGuid(context.commandId),
      {
        type: 'CreateApiKey',
        now,
        userGuid,
        ownRole: user.role,
        name: `Visit of content ${content_guid}`,
        role: lower(most, user.role),
        expiresAt: new Date(now.getTime() + LIFETIME_SECONDS * 1000),
        contentGuid: null,
      },
      context,
    )
    if (!key) throw new DomainError('conflict', 'api_key.shown_once', 'This API key was made before.')
    return { key: key.reveal(), expires_in: LIFETIME_SECONDS }
  }
}
