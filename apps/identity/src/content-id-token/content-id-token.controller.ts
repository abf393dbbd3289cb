import { randomUUID } from 'node:crypto'
import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import { IsNotEmpty, IsString, MaxLength } from 'class-validator'
import { CONTENT_ID_TOKEN_SECONDS, contentSubject, TOKEN_TYP } from '#libs/contracts'
import { IsGuid, NotAudited, ServerSettings, ServiceOnly } from '#libs/service'
import { TokenKeys } from '../token/token-keys.js'

class ContentIdTokenBody {
  @IsGuid()
  content_guid: string

  @IsString()
  @IsNotEmpty()
  @MaxLength(256)
  audience: string
}

/** Says to somebody outside which content it is, in the words of OpenID Connect Core §2. */
@ApiExcludeController()
@Controller('internal/content-id-tokens')
export class ContentIdTokenController {
  constructor(
    private readonly keys: TokenKeys,
    private readonly server: ServerSettings,
  ) {}

  @Post()
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ServiceOnly('signContentIdToken')
  @NotAudited('what the vault gets for it is audited there')
  async sign(@Body() body: ContentIdTokenBody): Promise<{ token: string; expires_in: number }> {
    const { address: iss } = this.server
    const claims = { iss, aud: body.audience, sub: contentSubject(body.content_guid), jti: randomUUID() }
    return {
      token: await this.keys.sign(TOKEN_TYP.contentId, claims, CONTENT_ID_TOKEN_SECONDS),
      expires_in: CONTENT_ID_TOKEN_SECONDS,
    }
  }
}
