import { Body, Controller, HttpCode, Post } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import { Type } from 'class-transformer'
import { IsObject, ValidateNested } from 'class-validator'
import { IntegrationState } from '#libs/contracts'
import { NotAudited, ServiceOnly } from '#libs/service'
import { ServiceAccounts } from './service-accounts.js'

class VerificationBody {
  @IsObject()
  @ValidateNested()
  @Type(() => IntegrationState)
  integration: IntegrationState
}

@ApiExcludeController()
@Controller('internal/integration-verifications')
export class VerificationController {
  constructor(private readonly accounts: ServiceAccounts) {}

  @Post()
  @HttpCode(204)
  @ServiceOnly('verifyIntegration')
  @NotAudited('the integrations service, who asks, writes the outcome down')
  async verify(@Body() { integration }: VerificationBody): Promise<void> {
    await this.accounts.verify(integration)
  }
}
