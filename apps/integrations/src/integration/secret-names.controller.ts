import { Controller, Get, Param } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import type { SecretStanding } from '#libs/contracts'
import { GuidPipe, NotAudited, ServiceOnly } from '#libs/service'
import { SecretNames } from './secret-names.js'

/** Tells the vault which client secrets are still wanted. */
@ApiExcludeController()
@Controller('internal/integrations/:guid/client-secrets')
export class SecretNamesController {
  constructor(private readonly names: SecretNames) {}

  @Get(':reference')
  @ServiceOnly('namesSecret')
  @NotAudited('read only')
  standing(
    @Param('guid', GuidPipe) guid: string,
    @Param('reference', GuidPipe) reference: string,
  ): Promise<SecretStanding> {
    return this.names.standingOf(guid, reference)
  }
}
