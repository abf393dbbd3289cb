import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { TOKEN_TYP, type Actor, type Role } from '#libs/contracts'
import { SECTIONS, type DeploymentFacts } from '#libs/service'
import {
  natsUrl,
  serviceUnderTest,
  type FreshDatabase,
  type ServiceUnderTest,
  type TestAnswer,
  type TestRequest,
} from '#libs/testing'
import { AppModule } from './app.module.js'
import { REAL_VENDOR_ADDRESSES, VENDOR_ADDRESSES, type VendorAddresses } from './login/vendor-addresses.js'

const BOOTSTRAP_KEY = Buffer.alloc(32, 7)

export interface IdentityUnderTest extends ServiceUnderTest {
  /** The answer of `POST /internal/actor-assertions` to a session's cookie or an API key. */
  assert(value: string, type?: 'session' | 'api_key'): Promise<TestAnswer>
  /** Makes the first administrator. */
  bootstrap(path?: string): Promise<TestAnswer>
  post(path: string, actor: Actor, body: unknown, headers?: TestRequest['headers']): Promise<TestAnswer>
  get(path: string, actor: Actor): Promise<TestAnswer>
}

/**
 * The whole service on a database of the spec's own.
 * @param oauth2 the lines of that section
 * @param options further sections or a whole settings file, and the spec's own addresses of vendors and of other services
 */
export async function identityUnderTest(
  database: FreshDatabase,
  oauth2 = `ClientId = keybearer
ClientSecret = secret
OpenIDConnectIssuer = http://127.0.0.1:9`,
  {
    sections = '',
    vendors = {},
    urls = {},
    settingsText,
  }: {
    sections?: string
    settingsText?: string
    vendors?: Partial<VendorAddresses>
    urls?: DeploymentFacts['urls']
  } = {},
): Promise<IdentityUnderTest> {
  const folder = await mkdtemp(path.join(tmpdir(), 'keybearer-identity-'))
  const [tokenKeyFile, loginKeyFile] = [path.join(folder, 'tokens.json'), path.join(folder, 'login')]
  const keys = [
    await key(TOKEN_TYP.actor, 'a1'),
    await key(TOKEN_TYP.userSession, 's1'),
    await key(TOKEN_TYP.contentSession, 'c1'),
    await key(TOKEN_TYP.contentId, 'i1', 'RS256'),
    await key(TOKEN_TYP.contentId, 'i2', 'RS256'),
  ]
  await writeFile(tokenKeyFile, JSON.stringify({ keys }), { mode: 0o600 })
  await writeFile(loginKeyFile, Buffer.alloc(32, 3).toString('base64'), { mode: 0o600 })
  const service = await serviceUnderTest({
    name: 'identity',
    module: AppModule,
    settings: SECTIONS,
    settingsText:
      settingsText ??
      `
[Server]
Address = http://localhost:3939
[Development]
Loopback = true
[Bootstrap]
SecretKey = ${BOOTSTRAP_KEY.toString('base64')}
[OAuth2]
${oauth2}
${sections}
`,
    overrides: new Map([[VENDOR_ADDRESSES, { ...REAL_VENDOR_ADDRESSES, ...vendors }]]),
    databaseUrl: database.url,
    natsUrl: natsUrl(),
    deployment: { tokenKeyFile, loginKeyFile, urls },
  })
  return {
    ...service,
    assert: (value, type = 'session') =>
      service.request({
        method: 'POST',
        path: '/internal/actor-assertions',
        body: { credential: { type, value }, audience: 'vault' },
      }),
    bootstrap: async (at = '/__api__/v1/bootstrap') =>
      service.request({ method: 'POST', path: at, headers: { 'keybearer-bootstrap': await bootstrapToken() } }),
    post: (at, actor, body, headers = {}) => service.request({ method: 'POST', path: at, actor, body, headers }),
    get: (at, actor) => service.request({ path: at, actor }),
    close: async () => {
      await service.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** Somebody behind an API key. */
export const keyOf = (user: string, role: Role): Actor => ({
  type: 'key',
  guid: '00000000-0000-4000-8000-000000000001',
  user,
  role,
})

/** The same person in a browser. */
export const inBrowser = ({ user, role }: Extract<Actor, { type: 'key' }>): Actor => ({
  type: 'user',
  guid: user,
  role,
  sid: '00000000-0000-4000-8000-000000000002',
})

async function key(typ: string, kid: string, algorithm = 'Ed25519') {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
  return { ...(await exportJWK(privateKey)), kid, key_ops_typ: typ }
}

const bootstrapToken = (): Promise<string> =>
  new SignJWT({ scope: 'bootstrap' })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('rsconnect-python')
    .setAudience('rsconnect')
    .setExpirationTime('5m')
    .sign(BOOTSTRAP_KEY)
