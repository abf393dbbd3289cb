import { jest } from '@jest/globals'
import { Logger } from '@nestjs/common'
import type { Pool } from 'pg'
import type { Actor } from '#libs/contracts'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import type { Fault } from '../directory/vendor.fixture.js'
import { FakeGraph } from '../directory/graph.fixture.js'
import { identityUnderTest, type IdentityUnderTest } from '../identity-under-test.conformance.js'
import { nameless } from '../user/people.conformance.js'
import { Browser } from './browser.conformance.js'
import { CLIENT, faultyProvider, type FaultyProvider } from './faulty-provider.conformance.js'

const ANALYSTS = 'a0000000-0000-4000-8000-000000000001'
const WRITERS = 'a0000000-0000-4000-8000-000000000002'
const ADMINISTRATOR = {
  type: 'user',
  guid: '00000000-0000-4000-8000-000000000001',
  role: 'administrator',
  sid: 'spec',
} satisfies Actor

let provider: FaultyProvider
let graph: FakeGraph
let database: FreshDatabase
let pool: Pool
let warnings: jest.SpiedFunction<Logger['warn']>
let number = 0

beforeAll(async () => {
  provider = await faultyProvider()
  graph = await new FakeGraph().start()
  database = await freshDatabase('identity')
  pool = database.pool()
  await nameless(pool, ADMINISTRATOR.guid)
})
afterAll(async () => {
  await Promise.all([provider?.close(), graph?.close()])
  await database?.drop()
})
beforeEach(() => {
  graph.reset()
  graph.everybodys = []
  warnings = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined)
})
afterEach(() => warnings.mockRestore())

const start = (settings: string, isEntra = true): Promise<IdentityUnderTest> =>
  identityUnderTest(
    database,
    `ClientId = ${CLIENT.id}
ClientSecret = "${CLIENT.secret}"
OpenIDConnectIssuer = ${provider.issuer}
${settings}`,
    { vendors: { graph: graph.url, ...(isEntra && { entra: provider.issuer }) } },
  )

/** What Entra sends instead of more than 200 groups; the address is one that nobody must call. */
const overage = () => ({
  _claim_names: { groups: 'src1' },
  _claim_sources: { src1: { endpoint: `${graph.url}/v1.0/users/somebody/getMemberObjects` } },
})
const newPerson = () => ({ sub: `entra-${++number}`, preferred_username: `person-${number}` })
const logIn = async (service: IdentityUnderTest, claims: object): Promise<void> => {
  provider.person = { ...(claims as { sub: string }) }
  expect((await new Browser({ service, provider }).logIn()).status).toBe(302)
}
const groupsOf = async (username: string): Promise<string[]> => {
  const { rows } = await pool.query<{ unique_id: string }>(
    `select unique_id from membership join profile using (user_guid) join user_group on user_group.guid = group_guid
     where current and username = $1 order by 1`,
    [username],
  )
  return rows.map(({ unique_id }) => unique_id)
}
const warned = (): string => JSON.stringify(warnings.mock.calls)

describe('a login at Entra with more groups than fit into a token', () => {
  let service: IdentityUnderTest

  beforeAll(async () => {
    service = await start('GroupsByUniqueId = true')
    for (const [name, unique_id] of [
      ['analysts', ANALYSTS],
      ['writers', WRITERS],
    ]) {
      expect((await service.post('/__api__/v1/groups', ADMINISTRATOR, { name, unique_id })).status).toBe(200)
    }
  })
  afterAll(() => service?.close())

  it('GRP-43 takes them from Microsoft Graph, asked with the person’s own token and nowhere else', async () => {
    const person = newPerson()
    graph.everybodys = [ANALYSTS, WRITERS, 'ffffffff-0000-4000-8000-00000000000f']
    await logIn(service, { ...person, ...overage() })
    expect(await groupsOf(person.preferred_username)).toEqual([ANALYSTS, WRITERS])
    expect(graph.journal).toHaveLength(1)
    const [asked] = graph.journal
    expect(asked).toMatchObject({
      method: 'POST',
      path: '/v1.0/me/getMemberObjects',
      body: '{"securityEnabledOnly":true}',
      token: provider.issued.accessTokens.at(-1),
    })
    expect(warned()).not.toContain('overage')

    graph.everybodys = [WRITERS]
    await logIn(service, { ...person, hasgroups: true })
    expect(await groupsOf(person.preferred_username)).toEqual([WRITERS])
    graph.everybodys = []
    await logIn(service, { ...person, ...overage() })
    expect(await groupsOf(person.preferred_username)).toEqual([])
  })

  it('GRP-43 asks nobody when the groups are in the token', async () => {
    const person = newPerson()
    await logIn(service, { ...person, groups: [ANALYSTS] })
    expect(await groupsOf(person.preferred_username)).toEqual([ANALYSTS])
    await logIn(service, person)
    expect(await groupsOf(person.preferred_username)).toEqual([ANALYSTS])
    expect(graph.journal).toEqual([])
  })

  const whole = { value: [WRITERS] }
  const faults: [string, Fault][] = [
    ['does not take the token', { status: 401 }],
    ['wants another permission', { status: 403, body: { error: { code: 'Authorization_RequestDenied' } } }],
    ['has been asked too often', { status: 429, headers: { 'retry-after': '10' } }],
    ['is broken', { status: 503, body: 'oops' }],
    ['answers with no JSON', { status: 200, body: '<html>' }],
    ['answers with no list', { status: 200, body: { value: WRITERS } }],
    ['answers with something that is no ID', { status: 200, body: { value: [WRITERS, { id: ANALYSTS }] } }],
    ['answers with a part', { status: 200, body: { ...whole, '@odata.nextLink': 'https://graph.microsoft.com/' } }],
    ['answers with too many', { status: 200, body: { value: Array<string>(2001).fill(WRITERS) } }],
    ['answers with too much', { status: 200, body: { ...whole, more: 'x'.repeat(300_000) } }],
    ['sends us elsewhere', { status: 307, headers: { location: 'http://127.0.0.1:9/' } }],
    ['breaks off', 'cut'],
    ['hangs', 'hang'],
  ]
  it.each(faults)(
    'GRP-43 GRP-06 leaves memberships as they were, with a warning, when Graph %s',
    async (_what, fault) => {
      const person = newPerson()
      await logIn(service, { ...person, groups: [ANALYSTS] })
      graph.fault = fault
      await logIn(service, { ...person, ...overage() })
      expect(await groupsOf(person.preferred_username)).toEqual([ANALYSTS])
      expect(graph.journal).toHaveLength(1)
      expect(warned()).toContain('overage')
      for (const secret of provider.issued.accessTokens) expect(warned()).not.toContain(secret)
    },
  )
})

describe('an overage that Graph cannot heal', () => {
  it.each([
    ['groups are matched by name', '', true],
    ['the provider is not Entra', 'GroupsByUniqueId = true', false],
  ])('GRP-43 leaves memberships as they were, with a warning, when %s', async (_what, settings, isEntra) => {
    const service = await start(settings, isEntra)
    try {
      graph.everybodys = [WRITERS]
      const person = newPerson()
      await logIn(service, { ...person, ...overage() })
      expect(await groupsOf(person.preferred_username)).toEqual([])
      expect(graph.journal).toEqual([])
      expect(warned()).toContain('overage')
    } finally {
      await service.close()
    }
  })
})
