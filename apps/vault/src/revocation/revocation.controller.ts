import { Controller, Delete, Get, HttpCode, Param } from '@nestjs/common'
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger'
import { Audit, GuidPipe, NotAudited, RequireRole, toTime } from '#libs/service'
import { Revocations } from './revocations.js'

/** A token that has ended here and that lives on at its provider until that has heard of it. */
export class RevocationView {
  @ApiProperty({ type: String, format: 'uuid' })
  guid: string

  @ApiProperty({ type: String, format: 'uuid' })
  oauth_integration_guid: string

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  user_guid: string | null

  @ApiProperty({ type: Number, description: 'How often the provider has been called.' })
  attempts: number

  @ApiProperty({ type: String, nullable: true, description: 'What it said last, or what happened instead.' })
  last_error: string | null

  @ApiProperty({ type: String, format: 'date-time' })
  created_time: string

  @ApiProperty({ type: String, format: 'date-time' })
  next_attempt_time: string
}

@ApiTags('OAuth sessions')
@Controller('__api__/v1/oauth/revocations')
export class RevocationController {
  constructor(private readonly revocations: Revocations) {}

  @Get()
  @ApiOperation({ summary: 'Lists the revocations that providers have not carried out yet, oldest first' })
  @ApiOkResponse({ type: [RevocationView] })
  @RequireRole('administrator')
  @NotAudited('read only')
  async list(): Promise<RevocationView[]> {
    return (await this.revocations.pending()).map(
      ({ guid, integrationGuid, userGuid, attempts, lastError, since, nextAttempt }) => ({
        guid,
        oauth_integration_guid: integrationGuid,
        user_guid: userGuid,
        attempts,
        last_error: lastError,
        created_time: toTime(since),
        next_attempt_time: toTime(nextAttempt),
      }),
    )
  }

  @Delete(':guid')
  @HttpCode(204)
  @ApiOperation({ summary: 'Gives a revocation up: the token lives on at the provider until it ends there by itself' })
  @ApiNoContentResponse()
  @RequireRole('administrator')
  @Audit('revocation.give_up')
  async giveUp(@Param('guid', GuidPipe) guid: string): Promise<void> {
    await this.revocations.giveUp(guid)
  }
}
