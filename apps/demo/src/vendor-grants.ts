import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { readJson, writeJson } from './files.js'

/** A refusal in the words of RFC 6749 §5.2. */
export class OAuthRefusal extends Error {
  constructor(
    readonly error: string,
    description: string,
    readonly status = 400,
  ) {
    super(description)
  }
}

/** What one person allowed one client: the family of all tokens that stem from one consent. */
interface Family {
  clientId: string
  account: string
  scope: string
  /** Hash of the one refresh token that is good; `null` without `offline_access`. */
  refresh: string | null
  revoked: boolean
}

interface Code {
  clientId: string
  redirectUri: string
  account: string
  scope: string
  challenge: string
  expiresAt: number
  /** The family that the code made, once it has been used. */
  family: string | null
}

interface AccessToken {
  clientId: string
  /** `null`: the client itself (client credentials). */
  family: string | null
  scope: string
  expiresAt: number
}

interface State {
  families: Record<string, Family>
  codes: Record<string, Code>
  accessTokens: Record<string, AccessToken>
  /** Browser sessions: hash of the cookie → account. */
  sessions: Record<string, string>
}

/** A token response, RFC 6749 §5.1. */
export interface Issued {
  access_token: string
  token_type: 'Bearer'
  expires_in: number
  scope: string
  refresh_token?: string
}

const hash = (value: string): string => createHash('sha256').update(value).digest('base64url')

/** In milliseconds. */
const CODE_LIFE = 60_000

/**
 * What the vendor has promised to whom. Every change is in its file before anybody hears of it, so a killed vendor
 * comes back with the same grants; secrets are kept as hashes only.
 */
export class VendorGrants {
  readonly #state: State

  constructor(
    private readonly file: string,
    private readonly options: { accessTokenSeconds: number; marker?: string },
  ) {
    this.#state = readJson<State>(file) ?? { families: {}, codes: {}, accessTokens: {}, sessions: {} }
  }

  beginSession(account: string): string {
    const session = this.#newSecret('acme_session_')
    this.#state.sessions[hash(session)] = account
    this.#save()
    return session
  }

  endSession(session: string): void {
    delete this.#state.sessions[hash(session)]
    this.#save()
  }

  accountOfSession(session: string | undefined): string | undefined {
    return session === undefined ? undefined : this.#state.sessions[hash(session)]
  }

  issueCode(code: Omit<Code, 'expiresAt' | 'family'>): string {
    const value = this.#newSecret('acme_code_')
    this.#state.codes[hash(value)] = { ...code, expiresAt: Date.now() + CODE_LIFE, family: null }
    this.#save()
    return value
  }

  /** Whose grant a token request is about, judged by its code or refresh token alone. */
  accountOf(form: URLSearchParams): string | undefined {
    const code = this.#state.codes[hash(form.get('code') ?? '')]
    return code?.account ?? this.#familyOf(form.get('refresh_token') ?? '')?.[1].account
  }

  /** @throws OAuthRefusal invalid_grant; a code used twice also ends what it had given (RFC 6749 §4.1.2) */
  redeemCode(value: string, clientId: string, redirectUri: string, verifier: string, seconds?: number): Issued {
    const code = this.#state.codes[hash(value)]
    if (!code || code.clientId !== clientId) throw new OAuthRefusal('invalid_grant', 'no such code')
    if (code.family !== null) {
      this.#end(code.family)
      throw new OAuthRefusal('invalid_grant', 'this code has been used before')
    }
    if (code.expiresAt <= Date.now()) throw new OAuthRefusal('invalid_grant', 'this code has expired')
    if (code.redirectUri !== redirectUri) throw new OAuthRefusal('invalid_grant', 'another redirect_uri was asked for')
    if (code.challenge !== hash(verifier)) throw new OAuthRefusal('invalid_grant', 'code_verifier does not fit')
    const id = randomUUID()
    const { account, scope } = code
    code.family = id
    this.#state.families[id] = { clientId, account, scope, refresh: null, revoked: false }
    return this.#issue(id, seconds)
  }

  /** @throws OAuthRefusal invalid_grant; an old refresh token also ends its whole family (RFC 9700 §4.14.2) */
  refresh(value: string, clientId: string, seconds?: number): Issued {
    const [id, family] = this.#familyOf(value) ?? []
    if (!id || !family || family.clientId !== clientId || family.revoked) {
      throw new OAuthRefusal('invalid_grant', 'no such refresh token')
    }
    if (family.refresh !== hash(value)) {
      this.#end(id)
      throw new RefreshTokenReused()
    }
    return this.#issue(id, seconds)
  }

  clientCredentials(clientId: string, scope: string, seconds?: number): Issued {
    return this.#accessToken({ clientId, family: null, scope }, seconds)
  }

  /** RFC 7009: a refresh token ends its family, an access token itself; what is unknown is no error. */
  revoke(value: string, clientId: string): void {
    const [id, family] = this.#familyOf(value) ?? []
    if (id && family?.clientId === clientId) this.#end(id)
    const key = hash(value)
    if (this.#state.accessTokens[key]?.clientId === clientId) delete this.#state.accessTokens[key]
    this.#save()
  }

  /** Whom an access token speaks for; `account` is `null` for the client itself. */
  bearer(value: string): { account: string | null; clientId: string; scope: string } | undefined {
    const token = this.#state.accessTokens[hash(value)]
    if (!token || !this.#isLive(token)) return undefined
    const account = token.family === null ? null : (this.#state.families[token.family]?.account ?? null)
    return { account, clientId: token.clientId, scope: token.scope }
  }

  /** Whether the access token that each account was given last is still good. */
  latestTokenLive(): Record<string, boolean> {
    const live: Record<string, boolean> = {}
    for (const token of Object.values(this.#state.accessTokens)) {
      const account = token.family === null ? undefined : this.#state.families[token.family]?.account
      if (account) live[account] = this.#isLive(token)
    }
    return live
  }

  #isLive({ expiresAt, family }: AccessToken): boolean {
    return expiresAt > Date.now() && (family === null || this.#state.families[family]?.revoked === false)
  }

  #issue(id: string, seconds?: number): Issued {
    const family = this.#state.families[id]
    if (!family) throw new OAuthRefusal('invalid_grant', 'no such grant')
    const { clientId, scope } = family
    if (!scope.split(' ').includes('offline_access')) return this.#accessToken({ clientId, family: id, scope }, seconds)
    // The family's id in front: an old token names its family without a list of all the old ones.
    const refresh = this.#newSecret(`acme_rt.${id}.`)
    family.refresh = hash(refresh)
    return { ...this.#accessToken({ clientId, family: id, scope }, seconds), refresh_token: refresh }
  }

  #accessToken(token: Omit<AccessToken, 'expiresAt'>, seconds = this.options.accessTokenSeconds): Issued {
    const value = this.#newSecret('acme_at_')
    this.#state.accessTokens[hash(value)] = { ...token, expiresAt: Date.now() + seconds * 1000 }
    this.#save()
    return { access_token: value, token_type: 'Bearer', expires_in: seconds, scope: token.scope }
  }

  #familyOf(refreshToken: string): [string, Family] | undefined {
    const id = refreshToken.split('.')[1] ?? ''
    const family = refreshToken.startsWith('acme_rt.') ? this.#state.families[id] : undefined
    return family && [id, family]
  }

  #end(id: string): void {
    const family = this.#state.families[id]
    if (family) family.revoked = true
    this.#save()
  }

  #newSecret(prefix: string): string {
    return `${prefix}${this.options.marker ?? ''}${randomBytes(24).toString('base64url')}`
  }

  #save(): void {
    const now = Date.now()
    for (const list of [this.#state.accessTokens, this.#state.codes]) {
      for (const [key, { expiresAt }] of Object.entries(list)) if (expiresAt + CODE_LIFE <= now) delete list[key]
    }
    writeJson(this.file, this.#state)
  }
}

/** Somebody has presented a refresh token that was rotated away: theft, or an answer that was lost. */
export class RefreshTokenReused extends OAuthRefusal {
  constructor() {
    super('invalid_grant', 'this refresh token has been used before; the grant is revoked')
  }
}
