import { Injectable, Logger } from '@nestjs/common'
import { DomainError, Secret } from '#libs/contracts'
import { InternalHttp, OAuth2Settings } from '#libs/service'
import type { VerifiedLogin } from '../login/verified-login.js'

/** A login does not wait longer for something that it can do without. */
const TIMEOUT_MS = 2_000
/** Seconds, when the provider does not say: Google's usual hour. */
const USUAL_SECONDS = 3600
const LONGEST_SECONDS = 86_400

/**
 * The access tokens of logins at Google, which the vault keeps for searches in the directory. There is no refresh token:
 * none is asked for.
 */
@Injectable()
export class LoginTokens {
  readonly #logger = new Logger(LoginTokens.name)

  constructor(
    private readonly http: InternalHttp,
    private readonly oauth2: OAuth2Settings,
  ) {}

  /** Hands a login's token to the vault. When that fails, the login has succeeded all the same. */
  async keep(
    { accessToken, expiresIn = USUAL_SECONDS }: VerifiedLogin,
    { userGuid, sid }: { readonly userGuid: string; readonly sid: string },
  ): Promise<void> {
    if (!this.oauth2.isGoogle || !accessToken) return
    const seconds = Math.min(Math.floor(expiresIn), LONGEST_SECONDS)
    if (!(seconds >= 1)) return
    try {
      await this.http.call('putLoginToken', {
        params: { guid: userGuid, sid },
        body: { access_token: accessToken.reveal(), expires_in: seconds },
        timeoutMs: TIMEOUT_MS,
      })
    } catch (error) {
      // Whatever it is: the session has begun.
      this.#logger.warn(
        { err: error, user: userGuid },
        'the vault did not keep the token of a login; until the next one, searches find known people only',
      )
    }
  }

  /**
   * The token of a session; `undefined` when there is none, or its time is over.
   * @throws DomainError `service.unavailable`
   */
  async find(userGuid: string, sid: string): Promise<Secret | undefined> {
    try {
      const { access_token: token } = await this.http.call<{ access_token: string }>('loginAccessToken', {
        params: { guid: userGuid, sid },
        timeoutMs: TIMEOUT_MS,
      })
      return new Secret(token)
    } catch (error) {
      if (error instanceof DomainError && error.kind === 'not_found') return undefined
      throw error
    }
  }
}
