import { importJWK, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose'
import { TOKEN_TYP } from '#libs/contracts'
import { keysIn, readPrivateFile } from '#libs/service'

/** The kinds of tokens that identity signs, each with keys of its own. */
export type IssuedTyp = (typeof TOKEN_TYP)['actor' | 'userSession' | 'contentSession' | 'contentId']

/** RS256 where others verify who know nothing else. @see OpenID Connect Core §3.1.3.7, point 7 */
const ALGORITHM: Readonly<Record<IssuedTyp, 'EdDSA' | 'RS256'>> = {
  [TOKEN_TYP.actor]: 'EdDSA',
  [TOKEN_TYP.userSession]: 'EdDSA',
  [TOKEN_TYP.contentSession]: 'EdDSA',
  [TOKEN_TYP.contentId]: 'RS256',
}

interface KeysOfTyp {
  /** The first one: those behind it are published before they are used. */
  readonly signing: { readonly key: CryptoKey; readonly kid: string }
  readonly published: readonly JWK[]
}

type MarkedKey = JWK & { readonly key_ops_typ?: string }

/** Identity's private signing keys, from a file that all its replicas share. */
export class TokenKeys {
  private constructor(private readonly byTyp: ReadonlyMap<IssuedTyp, KeysOfTyp>) {}

  /**
   * @param file a JWKS of Ed25519 keys, and RSA keys for ID tokens; member `key_ops_typ` of each is the one `typ` that it signs
   * @throws Error that names the file and never a key
   */
  static async fromFile(file: string): Promise<TokenKeys> {
    return TokenKeys.fromKeys(keysIn(file, readPrivateFile(file)), file)
  }

  static async fromKeys(keys: readonly MarkedKey[], from = 'the key set'): Promise<TokenKeys> {
    const byTyp = new Map<IssuedTyp, KeysOfTyp>()
    for (const typ of Object.keys(ALGORITHM) as IssuedTyp[]) {
      const own = keys.filter((key) => key.key_ops_typ === typ)
      const [first] = own
      if (!first?.kid) throw new Error(`${from} has no key for ${typ}`)
      const alg = ALGORITHM[typ]
      const key = (await importJWK(first, alg)) as CryptoKey
      byTyp.set(typ, { signing: { key, kid: first.kid }, published: own.map((each) => publicPart(each, alg)) })
    }
    return new TokenKeys(byTyp)
  }

  /** @param seconds how long the token is good for */
  sign(typ: IssuedTyp, claims: JWTPayload, seconds: number): Promise<string> {
    const { key, kid } = this.#of(typ).signing
    return new SignJWT(claims)
      .setProtectedHeader({ alg: ALGORITHM[typ], typ, kid })
      .setIssuedAt()
      .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
      .sign(key)
  }

  /** The public halves of the keys of one kind of token. */
  jwks(typ: IssuedTyp): { keys: readonly JWK[] } {
    return { keys: this.#of(typ).published }
  }

  #of(typ: IssuedTyp): KeysOfTyp {
    return this.byTyp.get(typ)!
  }
}

/** Member by member, so that nothing private can slip through. */
const publicPart = ({ kty, crv, x, n, e, kid }: JWK, alg: string): JWK => ({
  kty,
  ...(kty === 'RSA' ? { n, e } : { crv, x }),
  kid,
  use: 'sig',
  alg,
})
