import { Controller, Get, Header } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import type { JWK } from 'jose'
import { TOKEN_TYP } from '#libs/contracts'
import { NotAudited, Public, ServerSettings } from '#libs/service'
import { TokenKeys } from '../token/token-keys.js'

/** Short, so that a key that stands in the file for an hour before it signs is known everywhere by then. */
const CACHED = 'public, max-age=900'

/** What others have to know to believe this server's ID tokens of content. Nobody logs in here: there are no endpoints. */
@ApiExcludeController()
@Controller('.well-known')
export class OpenIdConfigurationController {
  constructor(
    private readonly keys: TokenKeys,
    private readonly server: ServerSettings,
  ) {}

  /** @see OpenID Connect Discovery §3 */
  @Get('openid-configuration')
  @Header('Cache-Control', CACHED)
  @Public('whoever is to believe an ID token has to find the keys')
  @NotAudited('read only')
  configuration(): object {
    return {
      issuer: this.server.address,
      jwks_uri: this.server.urlOf('/.well-known/jwks.json'),
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      claims_supported: ['iss', 'sub', 'aud', 'exp', 'iat', 'jti'],
    }
  }

  @Get('jwks.json')
  @Header('Cache-Control', CACHED)
  @Public('public keys')
  @NotAudited('read only')
  jwks(): { keys: readonly JWK[] } {
    return this.keys.jwks(TOKEN_TYP.contentId)
  }
}
