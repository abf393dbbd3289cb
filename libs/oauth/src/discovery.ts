import { DomainError } from '#libs/contracts'
import type { Outbound } from './outbound.js'

/** What an OpenID provider says about itself, in the words of OpenID Connect Discovery §3 (and RFC 9207 §3). */
export interface ProviderMetadata {
  readonly issuer: string
  readonly authorization_endpoint: string
  readonly token_endpoint: string
  readonly jwks_uri: string
  readonly userinfo_endpoint?: string
  /** @see OpenID Connect RP-Initiated Logout 1.0 §2.1 */
  readonly end_session_endpoint?: string
  /** Absent: `client_secret_basic` alone. */
  readonly token_endpoint_auth_methods_supported?: readonly string[]
  readonly code_challenge_methods_supported?: readonly string[]
  readonly id_token_signing_alg_values_supported?: readonly string[]
  readonly authorization_response_iss_parameter_supported?: boolean
}

const REQUIRED = ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const
const OPTIONAL = ['userinfo_endpoint', 'end_session_endpoint'] as const

interface Kept {
  readonly metadata: Promise<ProviderMetadata>
  readonly until: number
}

/** Finds OpenID providers by their issuer and remembers what they said; failures are not remembered. */
export class Discovery {
  readonly #kept = new Map<string, Kept>()

  constructor(
    private readonly outbound: Outbound,
    private readonly options: {
      /** How long an answer is used; default 600. */
      readonly maxAgeSeconds?: number
      readonly now?: () => Date
    } = {},
  ) {}

  /**
   * @throws DomainError `unavailable`, `discovery.failed`: no answer, another issuer, or an endpoint that may not be called
   * @see OpenID Connect Discovery §4.1, §4.3
   */
  async find(issuer: string): Promise<ProviderMetadata> {
    const now = (this.options.now?.() ?? new Date()).getTime()
    const kept = this.#kept.get(issuer)
    if (kept && kept.until > now) return kept.metadata
    const metadata = this.#ask(issuer)
    this.#kept.set(issuer, { metadata, until: now + (this.options.maxAgeSeconds ?? 600) * 1000 })
    metadata.catch(() => {
      if (this.#kept.get(issuer)?.metadata === metadata) this.#kept.delete(issuer)
    })
    return metadata
  }

  async #ask(issuer: string): Promise<ProviderMetadata> {
    try {
      const { status, body } = await this.outbound.request({
        url: `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
        headers: { accept: 'application/json' },
      })
      if (status !== 200) throw new Error(`it answers ${status}`)
      return this.#read(JSON.parse(body.toString('utf8')), issuer)
    } catch (cause) {
      throw new DomainError('unavailable', 'discovery.failed', 'the OpenID provider cannot be discovered', { cause })
    }
  }

  #read(document: unknown, issuer: string): ProviderMetadata {
    if (typeof document !== 'object' || document === null) throw new Error('its answer is no object')
    const members = document as Record<string, unknown>
    if (members['issuer'] !== issuer) throw new Error('it names another issuer')
    const endpoints: Record<string, string> = {}
    for (const name of [...REQUIRED, ...OPTIONAL]) {
      const url = members[name]
      if (typeof url === 'string') endpoints[name] = this.outbound.check(url).href
      else if (url !== undefined || REQUIRED.some((required) => required === name)) throw new Error(`${name} is no URL`)
    }
    const {
      code_challenge_methods_supported: methods,
      id_token_signing_alg_values_supported: algorithms,
      token_endpoint_auth_methods_supported: authentications,
    } = members
    return {
      issuer,
      ...(endpoints as Record<(typeof REQUIRED)[number], string>),
      ...(isStrings(methods) && { code_challenge_methods_supported: methods }),
      ...(isStrings(authentications) && { token_endpoint_auth_methods_supported: authentications }),
      ...(isStrings(algorithms) && { id_token_signing_alg_values_supported: algorithms }),
      ...(members['authorization_response_iss_parameter_supported'] === true && {
        authorization_response_iss_parameter_supported: true,
      }),
    }
  }
}

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')
