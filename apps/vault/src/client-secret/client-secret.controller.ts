import { Body, Controller, HttpCode, Param, Put } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import { IsString, Length } from 'class-validator'
import { Secret } from '#libs/contracts'
import { Audit, GuidPipe, IsGuid, ServiceOnly } from '#libs/service'
import { ClientSecrets } from './client-secrets.js'

class ClientSecretBody {
  @IsGuid()
  integration_guid: string

  @IsString()
  @Length(1, 4096)
  client_secret: string
}

@ApiExcludeController()
@Controller('internal/client-secrets')
export class ClientSecretController {
  constructor(private readonly secrets: ClientSecrets) {}

  @Put(':reference')
  @HttpCode(204)
  @ServiceOnly('putClientSecret')
  @Audit('client_secret.put')
  async put(@Param('reference', GuidPipe) reference: string, @Body() body: ClientSecretBody): Promise<void> {
    await this.secrets.put(reference, body.integration_guid, new Secret(body.client_secret))
  }
}
