import { createPublicKey, generateKeyPairSync, randomBytes, type JsonWebKey } from 'node:crypto'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { CALLERS, TOKEN_TYP, type CallerName } from '#libs/contracts'
import { WholeFile } from './whole-file.js'

/** Files with the keys of one installation, each 0600; made at the first start. A later one only adds what is missing. */
export interface KeyFiles {
  /** Private JWKS of a service, or of the operator at the shell: signs its service tokens. */
  readonly service: Readonly<Record<CallerName, string>>
  /** Public JWKS of all of them, `kid` = name. */
  readonly serviceKeys: string
  /** Private JWKS of identity: a key for each `typ` of token that it issues. */
  readonly token: string
  /** Base64 of 32 bytes: the HMAC key of logins. */
  readonly login: string
  /** The vault's key ring. */
  readonly safe: string
}

type TokenKey = JsonWebKey & { readonly key_ops_typ?: string }

/** What identity signs. */
const ISSUED_TYPES = [TOKEN_TYP.actor, TOKEN_TYP.userSession, TOKEN_TYP.contentSession, TOKEN_TYP.contentId]

export async function makeKeys(directory: string): Promise<KeyFiles> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const at = (name: string) => path.join(directory, name)
  const jwks = (keys: readonly JsonWebKey[]) => `${JSON.stringify({ keys }, null, 2)}\n`

  const service = {} as Record<CallerName, string>
  const publicKeys: JsonWebKey[] = []
  for (const name of CALLERS) {
    service[name] = at(`${name}.service-key.json`)
    const text = await keep(service[name], () => jwks([ed25519(name)]))
    const { keys } = JSON.parse(text) as { keys: JsonWebKey[] }
    publicKeys.push(...keys.map(publicPart))
  }
  const files: KeyFiles = {
    service,
    serviceKeys: at('service-keys.json'),
    token: at('token-keys.json'),
    login: at('login-key'),
    safe: at('safe-keys.json'),
  }
  await writeFile(files.serviceKeys, jwks(publicKeys), { mode: 0o600 })
  const tokenKey = (typ: string): TokenKey => {
    const kid = randomBytes(8).toString('hex')
    return { ...(typ === TOKEN_TYP.contentId ? rsa(kid) : ed25519(kid)), key_ops_typ: typ }
  }
  const tokenKeys = await keep(files.token, () => jwks(ISSUED_TYPES.map(tokenKey)))
  const { keys } = JSON.parse(tokenKeys) as { keys: TokenKey[] }
  // An installation that is older than one of the types.
  const missing = ISSUED_TYPES.filter((typ) => !keys.some(({ key_ops_typ }) => key_ops_typ === typ))
  if (missing.length > 0) {
    const all = jwks([...keys, ...missing.map(tokenKey)])
    await new WholeFile(files.token).write(() => all)
  }
  await keep(files.login, () => `${randomBytes(32).toString('base64')}\n`)
  await keep(
    files.safe,
    () => `${JSON.stringify({ active: 1, keys: { 1: randomBytes(32).toString('base64') } }, null, 2)}\n`,
  )
  return files
}

/** The password in `directory/<name>.password`, made when there is none. */
export async function password(directory: string, name: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  return (
    await keep(path.join(directory, `${name}.password`), () => `${randomBytes(24).toString('base64url')}\n`)
  ).trim()
}

/** What the file holds, or what `make` gives, which is then kept. */
async function keep(file: string, make: () => string): Promise<string> {
  try {
    const text = make()
    await writeFile(file, text, { mode: 0o600, flag: 'wx' })
    return text
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    await chmod(file, 0o600)
    return readFile(file, 'utf8')
  }
}

function ed25519(kid: string): JsonWebKey {
  const { privateKey } = generateKeyPairSync('ed25519')
  return { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'EdDSA' }
}

function rsa(kid: string): JsonWebKey {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' }
}

function publicPart(key: JsonWebKey): JsonWebKey {
  const { kid, use, alg } = key
  return { ...createPublicKey({ key, format: 'jwk' }).export({ format: 'jwk' }), kid, use, alg }
}
