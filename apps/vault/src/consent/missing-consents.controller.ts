import { Controller, Get, ParseIntPipe, Query } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import { personOf, type Actor } from '#libs/contracts'
import { CurrentActor, GuidPipe, NotAudited, ServiceOnly } from '#libs/service'
import { MissingConsents } from './missing-consents.js'

/** For the gateway, before it lets a visitor into content. */
@ApiExcludeController()
@Controller('internal/missing-consents')
export class MissingConsentsController {
  constructor(private readonly missingConsents: MissingConsents) {}

  @Get()
  @ServiceOnly('missingConsents')
  @NotAudited('read only')
  async list(
    @Query('content_guid', GuidPipe) contentGuid: string,
    @Query('content_version', ParseIntPipe) contentVersion: number,
    @CurrentActor() actor: Actor,
  ): Promise<{ missing: string[] }> {
    const person = personOf(actor)
    return { missing: person ? await this.missingConsents.of(person.guid, contentGuid, contentVersion) : [] }
  }
}
