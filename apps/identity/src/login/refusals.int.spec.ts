import type { Pool } from 'pg'
import { freshDatabase, type FreshDatabase, type TestAnswer } from '#libs/testing'
import { identityUnderTest, type IdentityUnderTest } from '../identity-under-test.conformance.js'
import { Browser } from './browser.conformance.js'
import { CLIENT, faultyProvider, type FaultyProvider } from './faulty-provider.conformance.js'

const ADA = { sub: 'ada-1', preferred_username: 'ada', email: 'ada@company.com', email_verified: true }

let provider: FaultyProvider
let database: FreshDatabase
let pool: Pool
let service: IdentityUnderTest

beforeAll(async () => {
  provider = await faultyProvider()
  database = await freshDatabase('identity')
  pool = database.pool()
})
afterAll(async () => {
  await provider?.close()
  await database?.drop()
})
afterEach(() => service?.close())

const start = async (lines: string): Promise<void> => {
  service = await identityUnderTest(
    database,
    `ClientId = ${CLIENT.id}
ClientSecret = "${CLIENT.secret}"
OpenIDConnectIssuer = ${provider.issuer}
GroupsAutoProvision = true
${lines}`,
  )
}

async function logIn(person: FaultyProvider['person']): Promise<{ browser: Browser; answer: TestAnswer }> {
  provider.person = person
  const browser = new Browser({ service, provider })
  return { browser, answer: await browser.logIn() }
}

const stored = async (): Promise<unknown> =>
  (
    await pool.query(`select (select count(*) from person) as people, (select count(*) from user_group) as groups,
      (select count(*) from event) as events, (select count(*) from session) as sessions`)
  ).rows[0]

it.each<[string, string, FaultyProvider['person'], RegExp]>([
  [
    'LOGIN-11 without the username claim that is required',
    'RequireUsernameClaim = true',
    { ...ADA, preferred_username: '' },
    /preferred_username/,
  ],
  ['ID-30 without the unique ID', 'UniqueIdClaim = oid', ADA, /claim oid/],
  ['ACCESS-06 of another domain', 'AllowedDomain = "else.org"', ADA, /Access is not permitted/],
  ['ACCESS-06 of another address', 'AllowedEmail = "grace@company.com"', ADA, /Access is not permitted/],
  ['A23 of an unverified address', 'AllowedDomain = "company.com"', { ...ADA, email_verified: false }, /not permitted/],
  ['PROV-05 of somebody unknown', 'RegisterOnFirstLogin = false', ADA, /administrator must make the account/],
  ['ID-08 by the name of a path', '', { ...ADA, preferred_username: 'login' }, /reserved/],
])(
  '%s is refused with the reason, and leaves no user, no group and no session',
  async (_name, lines, person, reason) => {
    await start(lines)
    const before = await stored()
    const { browser, answer } = await logIn({ ...person, groups: ['analysts'] })
    expect(answer.status).toBe(403)
    expect(answer.text).toMatch(reason)
    expect(browser.session).toBeUndefined()
    expect(await stored()).toEqual(before)
  },
)

it('ACCESS-02 ACCESS-09 ID-15 whoever fulfils all that is let in, and no longer when the domain is gone', async () => {
  await start('AllowedDomain = "company.com"')
  const { browser, answer } = await logIn(ADA)
  expect(answer.status).toBe(302)
  expect(browser.session).toBeDefined()
  await service.close()
  await start('AllowedDomain = "else.org"')
  const again = await logIn(ADA)
  expect(again.answer.status).toBe(403)
  expect(again.browser.session).toBeUndefined()
})
