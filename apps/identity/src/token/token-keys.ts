import { importJWK, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose'
import { TOKEN_TYP } from '#libs/contracts'
import { keysIn, readPrivateFile } from '#libs/service'

/** The kinds of tokens that identity signs, each with keys of its own. */
export type IssuedTyp = (typeof TOKEN_TYP)['actor' | 'userSession' | 'contentSession']

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
   * @param file a JWKS of Ed25519 keys; member `key_ops_typ` of each is the one `typ` that it signs
   * @throws Error that names the file and never a key
   */
  static async fromFile(file: string): Promise<TokenKeys> {
    return TokenKeys.fromKeys(keysIn(file, readPrivateFile(file)), file)
  }

  static async fromKeys(keys: readonly MarkedKey[], from = 'the key set'): Promise<TokenKeys> {
    const byTyp = new Map<IssuedTyp, KeysOfTyp>()
    for (const typ of [TOKEN_TYP.actor, TOKEN_TYP.userSession, TOKEN_TYP.contentSession]) {
      const own = keys.filter((key) => key.key_ops_typ === typ)
      const [first] = own
      if (!first?.kid) throw new Error(`${from} has no key for ${typ}`)
      const key = (await importJWK(first, 'EdDSA')) as CryptoKey
      byTyp.set(typ, { signing: { key, kid: first.kid }, published: own.map(publicPart) })
    }
    return new TokenKeys(byTyp)
  }

  /** @param seconds how long the token is good for */
  sign(typ: IssuedTyp, claims: JWTPayload, seconds: number): Promise<string> {
    const { key, kid } = this.#of(typ).signing
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA', typ, kid })
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
const publicPart = ({ kty, crv, x, kid }: JWK): JWK => ({ kty, crv, x, kid, use: 'sig', alg: 'EdDSA' })
