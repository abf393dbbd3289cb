import { randomUUID } from 'node:crypto'
import { Controller, Headers, HttpCode, Post } from '@nestjs/common'
import { ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger'
import { BOOTSTRAP_HEADER } from '#libs/contracts'
import { Audit, BootstrapSettings, currentRequest, Public } from '#libs/service'
import { checkBootstrapToken } from './bootstrap-token.js'
import { Bootstrap } from './bootstrap.js'

export class BootstrapView {
  @ApiProperty({ description: 'The first administrator’s API key: shown here and never again.' })
  api_key: string
}

@ApiTags('Users')
@Controller('__api__/v1')
export class BootstrapController {
  constructor(
    private readonly bootstrap: Bootstrap,
    private readonly settings: BootstrapSettings,
  ) {}

  @Post(['bootstrap', 'experimental/bootstrap'])
  @HttpCode(200)
  @ApiOperation({
    summary: 'Makes the first administrator and their API key',
    description: 'Authorization: Connect-Bootstrap <JWT>, signed with Bootstrap.SecretKey.',
  })
  @ApiOkResponse({ type: BootstrapView })
  @Public('the token in the request is the permission')
  @Audit('user.bootstrap')
  async run(@Headers(BOOTSTRAP_HEADER) token: string | undefined): Promise<BootstrapView> {
    await checkBootstrapToken(token, this.settings.key())
    const key = await this.bootstrap.run({
      actor: { type: 'bootstrap' },
      commandId: randomUUID(),
      correlationId: currentRequest()?.correlationId,
    })
    return { api_key: key.reveal() }
  }
}
