import { type ArgumentsHost, Body, Catch, Controller, HttpCode, Logger, Post, Res, UseFilters } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import type { Request, Response } from 'express'
import { DomainError, Secret } from '#libs/contracts'
import { Audit, DomainErrorFilter, type ErrorBody, FormBody, Public } from '#libs/service'
import { LoginError, OpenIdProvider } from '../login/open-id-provider.js'
import { ProviderSessions } from './provider-sessions.js'
import { Sessions } from './sessions.js'

const LONGEST_TOKEN = 16_384

/** Refusals in the words of OAuth. @see OpenID Connect Back-Channel Logout 1.0 §2.8 */
@Catch()
class BackchannelFilter extends DomainErrorFilter {
  override catch(thrown: unknown, host: ArgumentsHost): void {
    super.catch(thrown instanceof LoginError ? refused(thrown) : thrown, host)
  }

  protected override tell(_request: Request, response: Response, status: number, { error }: ErrorBody): void {
    const code = status < 500 ? 'invalid_request' : 'server_error'
    response.status(400).set('Cache-Control', 'no-store').json({ error: code, error_description: error })
  }
}

/** The login provider says that somebody has logged out there. */
@ApiExcludeController()
@UseFilters(BackchannelFilter)
@Controller('__logout__/backchannel')
export class BackchannelLogoutController {
  readonly #logger = new Logger(BackchannelLogoutController.name)

  constructor(
    private readonly provider: OpenIdProvider,
    private readonly providerSessions: ProviderSessions,
    private readonly sessions: Sessions,
  ) {}

  /** @see OpenID Connect Back-Channel Logout 1.0 §2.5 */
  @Post()
  @HttpCode(200)
  @FormBody()
  @Public('the provider proves itself by the token’s signature')
  @Audit('user.log_out')
  async end(@Body() form: Readonly<Record<string, string>>, @Res() response: Response): Promise<void> {
    const text = form['logout_token']
    if (!text || text.length > LONGEST_TOKEN) throw new LoginError('logout_token missing')
    const token = await this.provider.verifyLogout(new Secret(text), await this.provider.metadata())
    if (await this.providerSessions.isUsed(token)) throw new LoginError('logout_token used before')
    const held = await this.providerSessions.of(token)
    for (const session of held) await this.sessions.end(session, 'provider', { type: 'provider' })
    // Only now, so that the provider may try again after a failure: to end a session twice is to end it once.
    await this.providerSessions.use(token)
    this.#logger.log({ sessions: held.length }, 'the login provider has logged somebody out')
    response.setHeader('Cache-Control', 'no-store').status(200).end()
  }
}

/** One answer for whatever is wrong with a token; the reason goes to the log. */
const refused = (cause: LoginError): DomainError =>
  new DomainError('invalid', 'logout.token_invalid', 'The logout token is not one that this server accepts.', { cause })
