import { Body, Controller, Get, Header, HttpCode, Param, Put } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import { IsInt, IsString, Length, Matches, Max, Min } from 'class-validator'
import { DomainError, Secret } from '#libs/contracts'
import { Audit, GuidPipe, NotAudited, ServiceOnly } from '#libs/service'
import { LoginTokens } from './login-tokens.js'

const LONGEST_SECONDS = 86_400

class LoginTokenBody {
  /** Printable ASCII, as it has to fit into a header. */
  @IsString()
  @Length(1, 8192)
  @Matches(/^[\x21-\x7e]+$/)
  access_token: string

  @IsInt()
  @Min(1)
  @Max(LONGEST_SECONDS)
  expires_in: number
}

@ApiExcludeController()
@Controller('internal/login-tokens')
export class LoginTokenController {
  constructor(private readonly tokens: LoginTokens) {}

  @Put(':guid/:sid')
  @HttpCode(204)
  @ServiceOnly('putLoginToken')
  @Audit('login_token.put')
  async put(
    @Param('guid', GuidPipe) userGuid: string,
    @Param('sid') sid: string,
    @Body() { access_token: accessToken, expires_in: expiresIn }: LoginTokenBody,
  ): Promise<void> {
    await this.tokens.keep(userGuid, mustBeSid(sid), new Secret(accessToken), expiresIn)
  }

  @Get(':guid/:sid')
  @Header('Cache-Control', 'no-store')
  @ServiceOnly('loginAccessToken')
  @NotAudited('identity asks for the person who searches; it hands out the people found, and the token to nobody')
  async get(@Param('guid', GuidPipe) userGuid: string, @Param('sid') sid: string): Promise<{ access_token: string }> {
    const token = await this.tokens.open(userGuid, mustBeSid(sid))
    if (!token) throw new DomainError('not_found', 'login_token.none', 'There is no login token of this session.')
    return { access_token: token.reveal() }
  }
}

/** @throws DomainError `login_token.none` */
function mustBeSid(sid: string): string {
  if (/^[\w-]{1,128}$/.test(sid)) return sid
  throw new DomainError('not_found', 'login_token.none', 'There is no such session.')
}
