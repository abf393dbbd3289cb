import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common'
import {
  ApiBadGatewayResponse,
  ApiBadRequestResponse,
  ApiBody,
  ApiConsumes,
  ApiForbiddenResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger'
import { TOKEN_TYPE, type Actor } from '#libs/contracts'
import { Audit, CurrentActor, ForActor, FormBody } from '#libs/service'
import type { KeyActor } from './decide.js'
import { ExchangeAnswer, ExchangeForm, ExchangeRefusal } from './exchange.dto.js'
import { Exchange } from './exchange.js'

@ApiTags('OAuth integrations')
@Controller('__api__/v1/oauth/integrations/credentials')
export class CredentialsController {
  constructor(private readonly exchange: Exchange) {}

  @Post()
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Exchanges a session token for an access token at a provider',
    description:
      'RFC 8693. For the content’s own key, or for a key of its owner whose role is publisher or more. A viewer’s session ' +
      'token brings the viewer’s access token; the viewer must have consented to the integration in the browser. A ' +
      'content session token brings that of a service account. Integrations that issue temporary credentials or keys of this ' +
      'server bring these instead.',
  })
  @ApiConsumes('application/x-www-form-urlencoded')
  @ApiBody({ type: ExchangeForm })
  @ApiOkResponse({ type: ExchangeAnswer })
  @ApiBadRequestResponse({ type: ExchangeRefusal, description: 'The request, the subject or the grant is not good.' })
  @ApiForbiddenResponse({ type: ExchangeRefusal, description: 'The key or the viewer may not.' })
  @ApiNotFoundResponse({ type: ExchangeRefusal, description: 'The viewer has not consented yet.' })
  @ApiBadGatewayResponse({ type: ExchangeRefusal, description: 'The service that gives temporary credentials fails.' })
  @ApiServiceUnavailableResponse({ type: ExchangeRefusal, description: 'Time will mend it.' })
  @FormBody()
  @ForActor('key', 'content_key')
  @Audit('oauth.token_exchange')
  async issue(@Body() form: Record<string, string>, @CurrentActor() actor: Actor): Promise<ExchangeAnswer> {
    const { accessToken, expiresIn, scope, type } = await this.exchange.exchange(form, actor as KeyActor)
    return {
      access_token: accessToken.reveal(),
      issued_token_type: type,
      token_type: TOKEN_TYPE[type],
      ...(expiresIn !== undefined && { expires_in: expiresIn }),
      ...(scope !== undefined && { scope }),
    }
  }
}
