import { randomUUID } from 'node:crypto'
import type { Actor } from '#libs/contracts'
import { ERROR_CODE_HEADER } from '#libs/service'
import { acme, CONTENT, INTEGRATIONS, newHouse, robot, type House } from '../house.fixture.js'

let house: House
let alice: Actor
let priya: Actor
let vera: Actor

beforeAll(async () => {
  house = await newHouse()
  alice = await house.person('administrator')
  priya = await house.person('publisher')
  vera = await house.person('viewer')
})
afterAll(() => house?.close())
beforeEach(() => {
  house.asked = []
  house.vaultAnswers = { status: 204 }
})

type Shown = Record<string, unknown> & { guid: string; config: Record<string, unknown>; updated_time: string }
const at = (guid: string): string => `${INTEGRATIONS}/${guid}`
const shown = async (guid: string, actor = priya): Promise<Shown> => (await house.get(at(guid), actor)).json<Shown>()
const list = async (actor = priya): Promise<Shown[]> => (await house.get(INTEGRATIONS, actor)).json<Shown[]>()
const published = async (guid: string) =>
  (await house.service.request({ path: `/internal/published/integration/${guid}`, caller: 'vault' })).json<{
    version: number
    state: { client: Record<string, unknown> } | null
  }>()

describe('an integration that is made', () => {
  it('INT-21 INT-22 INT-23 API-02 PERS-09 is answered with 200, and shown alike to publishers and in the list', async () => {
    const answer = await house.post(INTEGRATIONS, alice, { ...acme, description: 'For sales reports' })
    expect(answer.status).toBe(200)
    const made = answer.json<Shown>()
    expect(made).toMatchObject({
      name: 'Acme',
      description: 'For sales reports',
      template: 'custom',
      auth_type: 'Viewer',
      permissions: [],
    })
    expect(await shown(made.guid)).toEqual(made)
    expect((await list()).find(({ guid }) => guid === made.guid)).toEqual(made)
  })

  it('INT-03 INT-04 is Viewer unless it says Service Account, and nothing else', async () => {
    expect(await shown(await house.newIntegration(alice))).toMatchObject({ auth_type: 'Viewer' })
    expect(await shown(await house.newIntegration(alice, robot))).toMatchObject({ auth_type: 'Service Account' })
    const answer = await house.post(INTEGRATIONS, alice, {
      ...acme,
      config: { ...acme.config, auth_type: 'canary' },
    })
    expect([answer.status, answer.json().code]).toEqual([400, 228])
    expect(answer.text).not.toContain('canary')
  })

  it('stands in the list in the order of creation', async () => {
    const guids = [await house.newIntegration(alice), await house.newIntegration(alice, robot)]
    expect((await list()).map(({ guid }) => guid).filter((guid) => guids.includes(guid))).toEqual(guids)
  })

  it('INT-16 ASC-09 is for every publisher, and for no viewer', async () => {
    const guid = await house.newIntegration(alice)
    expect((await list(await house.person('publisher'))).map((each) => each.guid)).toContain(guid)
    expect((await house.get(INTEGRATIONS, vera)).json()).toMatchObject({ code: 22 })
  })

  it('PERS-17 is made and changed and removed by administrators only', async () => {
    const guid = await house.newIntegration(alice)
    for (const answer of [
      await house.post(INTEGRATIONS, priya, acme),
      await house.patch(at(guid), priya, {}),
      await house.delete(at(guid), priya),
      await house.post(`${at(guid)}/verify`, priya, {}),
      await house.get(`${at(guid)}/associations`, priya),
    ]) {
      expect([answer.status, answer.json().code]).toEqual([403, 22])
    }
  })

  it('API-01 is not made by nobody', async () => {
    const answer = await house.post(INTEGRATIONS, undefined, acme)
    expect([answer.status, answer.json().code]).toEqual([401, 24])
  })

  it.each([
    [{ name: 'x'.repeat(256) }, 400, 225],
    [{ name: 7 }, 400, 225],
    [{ description: 'x'.repeat(4097) }, 400, 226],
    [{ template: 'canary' }, 404, 227],
    [{ template: undefined }, 400, 25],
    [{ config: 'canary' }, 400, 25],
    [{ config: { ...acme.config, canary: 1 } }, 400, 228],
    [{ permissions: [{}] }, 400, 25],
    [{ permissions: [{ user_guid: 'canary' }] }, 400, 261],
    [{ permissions: [{ group_guid: 'canary' }] }, 400, 262],
    [{ permissions: [{ user_guid: randomUUID() }] }, 400, 261],
    [{ permissions: [{ group_guid: randomUUID() }] }, 400, 262],
  ])('is refused with the number of the contract (%#)', async (change, status, code) => {
    const answer = await house.post(INTEGRATIONS, alice, { ...acme, ...change })
    expect([answer.status, answer.json().code]).toEqual([status, code])
    expect(house.asked).toEqual([])
  })

  it('API-04 is read as JSON whatever the body is labelled', async () => {
    const label = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await house.post(INTEGRATIONS, alice, acme, label)).status).toBe(200)
  })
})

describe('the body of before there were templates', () => {
  const older = {
    client_id: 'keybearer',
    client_secret: 'canary-client-secret',
    tenant_id: '72f988bf-86f1-41af-91ab-2d7cd011db47',
    description: 'A helpful description',
    default_scopes: ['2ff814a6-3304-4ab8-85cb-cd0e6f879c1d/.default', 'offline_access'],
  }

  it('TPL-16 API-02 makes an integration of Entra with the scopes in one line', async () => {
    const answer = await house.post(INTEGRATIONS, alice, older)
    expect(answer.status).toBe(200)
    const made = answer.json<Shown>()
    expect(made).toMatchObject({
      name: null,
      description: 'A helpful description',
      template: 'azure',
      auth_type: 'Viewer',
      config: {
        client_id: 'keybearer',
        tenant_id: older.tenant_id,
        scopes: '2ff814a6-3304-4ab8-85cb-cd0e6f879c1d/.default offline_access',
      },
    })
    expect(answer.text).not.toContain('canary')
    expect(house.asked).toHaveLength(1)
    expect(await shown(made.guid)).toEqual(made)
  })

  it.each([
    [{ default_scopes: 'canary' }, 201],
    [{ default_scopes: ['can ary'] }, 201],
    [{ default_scopes: [7] }, 201],
    [{ default_scopes: Array.from({ length: 51 }, (_, index) => `s${index}`) }, 202],
    [{ client_id: '' }, 203],
    [{ client_id: undefined }, 203],
    [{ tenant_id: 'canary/..' }, 204],
    [{ tenant_id: undefined }, 204],
    [{ client_secret: '' }, 205],
    [{ client_secret: 7 }, 205],
    [{ description: 'x'.repeat(4097) }, 206],
  ])('is refused by its own numbers (%#)', async (change, code) => {
    const answer = await house.post(INTEGRATIONS, alice, { ...older, ...change })
    expect([answer.status, answer.json().code]).toEqual([400, code])
    expect(answer.text).not.toContain('canary')
    expect(house.asked).toEqual([])
  })
})

describe('an integration that is changed', () => {
  it('INT-20 keeps what is not named, answers as GET does, and can be sent back as it was read', async () => {
    const guid = await house.newIntegration(alice)
    const before = await shown(guid)
    const answer = await house.patch(at(guid), alice, { name: 'Acme 2', config: { scopes: 'data:write' } })
    expect(answer.status).toBe(200)
    const changed = answer.json<Shown>()
    expect(changed).toEqual({
      ...before,
      name: 'Acme 2',
      config: { ...before.config, scopes: 'data:write' },
      updated_time: expect.any(String) as string,
    })
    expect(await shown(guid)).toEqual(changed)
    expect((await list()).find((each) => each.guid === guid)).toEqual(changed)
    expect((await house.patch(at(guid), alice, changed)).json()).toEqual(changed)
    expect((await house.patch(at(guid), alice, {})).json()).toEqual(changed)
    expect((await published(guid)).state?.client).toMatchObject({ scope: 'data:write' })
  })

  it('clears by null or nothing what may be missing, and no more', async () => {
    const guid = await house.newIntegration(alice, { ...acme, description: 'gone soon' })
    const answer = await house.patch(at(guid), alice, { name: null, description: null, config: { scopes: null } })
    expect(answer.json()).toMatchObject({ name: null, description: null })
    expect(answer.json<Shown>().config.scopes ?? '').toBe('')
    for (const config of [{ client_id: null }, { token_uri: '' }, { client_secret: null }, { client_secret: '' }]) {
      const refused = await house.patch(at(guid), alice, { config })
      expect([refused.status, refused.json().code]).toEqual([400, 228])
    }
  })

  it('keeps template and auth type, which may be named', async () => {
    const guid = await house.newIntegration(alice)
    for (const body of [{ template: 'github' }, { config: { auth_type: 'Service Account' } }]) {
      const answer = await house.patch(at(guid), alice, body)
      expect([answer.status, answer.json().code]).toEqual([400, 229])
    }
    expect((await house.patch(at(guid), alice, { template: 'custom', config: { auth_type: 'Viewer' } })).status).toBe(
      200,
    )
  })

  it.each([
    [{ name: 'x'.repeat(256) }, 225],
    [{ description: 'x'.repeat(4097) }, 226],
    [{ config: { token_uri: 'http://canary.example/' } }, 228],
    [{ config: { canary: 'x' } }, 228],
    [{ config: { __proto__: { role: 'administrator' }, token_uri: 'canary' } }, 228],
    [{ permissions: [{ user_guid: randomUUID(), group_guid: randomUUID() }] }, 25],
  ])('is refused with the number of the contract, and nothing changes (%#)', async (body, code) => {
    const guid = await house.newIntegration(alice)
    const before = await shown(guid)
    const answer = await house.patch(at(guid), alice, body)
    expect([answer.status, answer.json().code]).toEqual([400, code])
    expect(answer.text).not.toContain('canary.example')
    expect(await shown(guid)).toEqual(before)
  })

  it('INT-20 gives a new secret to the vault, and names only its place from then on', async () => {
    const guid = await house.newIntegration(alice)
    const first = (await published(guid)).state?.client.client_secret_reference
    house.asked = []
    const answer = await house.patch(at(guid), alice, { config: { client_secret: 'canary-new' } })
    expect(answer.status).toBe(200)
    expect(answer.text).not.toContain('canary')
    const second = (await published(guid)).state?.client.client_secret_reference
    expect(second).not.toBe(first)
    expect(house.asked).toEqual([
      {
        request: `PUT /internal/client-secrets/${String(second)}`,
        body: { integration_guid: guid, client_secret: 'canary-new' },
      },
    ])
    const { rows } = await house.pool.query<{ everything: string }>(`
      select string_agg(e::text, '') || (select string_agg(i::text, '') from integration i) as everything from event e`)
    expect(rows[0]?.everything).not.toContain('canary')
  })

  it('keeps the secret when none is named, and drops it with the need for one', async () => {
    const guid = await house.newIntegration(alice)
    const reference = (await published(guid)).state?.client.client_secret_reference
    await house.patch(at(guid), alice, { config: { scopes: 'x' } })
    expect((await published(guid)).state?.client.client_secret_reference).toBe(reference)
    expect((await house.patch(at(guid), alice, { config: { auth_mode: 'Public' } })).status).toBe(200)
    expect((await published(guid)).state?.client).toMatchObject({
      client_secret_reference: null,
      token_endpoint_auth_method: 'none',
    })
    const back = await house.patch(at(guid), alice, { config: { auth_mode: 'Confidential' } })
    expect([back.status, back.json().code]).toEqual([400, 228])
    const again = { auth_mode: 'Confidential', client_secret: 'canary-again' }
    expect((await house.patch(at(guid), alice, { config: again })).status).toBe(200)
  })

  it('E14 asks for the secret again when it would go to another server', async () => {
    const guid = await house.newIntegration(alice)
    const before = await published(guid)
    const token_uri = 'https://elsewhere.example/token'
    const refused = await house.patch(at(guid), alice, { config: { token_uri } })
    expect([refused.status, refused.json()]).toMatchObject([
      400,
      { code: 228, error: expect.stringContaining('client_secret') },
    ])
    expect(await published(guid)).toEqual(before)
    const config = { token_uri, client_secret: 'canary-elsewhere' }
    expect((await house.patch(at(guid), alice, { config })).status).toBe(200)
  })

  it('stays as it is when the vault does not take the secret', async () => {
    const guid = await house.newIntegration(alice)
    const before = await published(guid)
    house.vaultAnswers = { status: 500 }
    expect((await house.patch(at(guid), alice, { config: { client_secret: 'canary' } })).status).toBe(503)
    expect(await published(guid)).toEqual(before)
  })

  it('H13: is changed once by a repeat, which is answered alike; another body is refused', async () => {
    const guid = await house.newIntegration(alice)
    house.asked = []
    const key = { 'idempotency-key': 'rotate' }
    const body = { config: { client_secret: 'canary-rotated' } }
    const first = await house.patch(at(guid), alice, body, key)
    expect((await house.patch(at(guid), alice, body, key)).json()).toEqual(first.json())
    expect(house.asked).toHaveLength(1)
    expect((await house.patch(at(guid), alice, { name: 'other' }, key)).status).toBe(409)
  })

  it('takes changes of different fields at the same time', async () => {
    const guid = await house.newIntegration(alice)
    await Promise.all([
      house.patch(at(guid), alice, { config: { scopes: 'a b' } }),
      house.patch(at(guid), alice, { config: { client_id: 'other' } }),
      house.patch(at(guid), alice, { name: 'Both' }),
    ])
    expect(await shown(guid)).toMatchObject({ name: 'Both', config: { scopes: 'a b', client_id: 'other' } })
  })

  it('does not exist when it is unknown or gone', async () => {
    const guid = await house.newIntegration(alice)
    await house.delete(at(guid), alice)
    for (const each of [guid, randomUUID()]) {
      for (const answer of [
        await house.patch(at(each), alice, {}),
        await house.get(at(each), alice),
        await house.get(`${at(each)}/associations`, alice),
        await house.post(`${at(each)}/verify`, alice, {}),
      ]) {
        expect([answer.status, answer.json().code]).toEqual([404, 4])
      }
    }
    expect((await house.delete(at(randomUUID()), alice)).json()).toMatchObject({ code: 4 })
  })
})

describe('the access list of an integration', () => {
  it('is shown with ids, replaced as a whole, and empty means everybody who publishes', async () => {
    const user = await house.person('publisher')
    const group = await house.group()
    const [userGuid] = [(user as { user: string }).user]
    const made = await house.post(INTEGRATIONS, alice, { ...acme, permissions: [{ user_guid: userGuid }] })
    const { guid, permissions } = made.json<Shown & { permissions: object[] }>()
    expect(permissions).toEqual([
      {
        id: expect.stringMatching(/^\d+$/) as string,
        guid: expect.any(String) as string,
        integration_guid: guid,
        user_guid: userGuid,
        group_guid: null,
      },
    ])
    expect(await shown(guid, alice)).toEqual(made.json())
    const both = [...permissions, { group_guid: group }, { group_guid: group.toUpperCase() }]
    const grown = (await house.patch(at(guid), alice, { permissions: both })).json<{ permissions: object[] }>()
    expect(grown.permissions).toEqual([permissions[0], expect.objectContaining({ user_guid: null, group_guid: group })])
    expect((await house.get(at(guid), priya)).json()).toMatchObject({ code: 4 })
    expect((await house.patch(at(guid), alice, { permissions: [] })).json()).toMatchObject({ permissions: [] })
    expect((await house.get(at(guid), priya)).status).toBe(200)
    await house.patch(at(guid), alice, { permissions })
    await house.delete(at(guid), alice)
    const { rows } = await house.pool.query('select from integration_permission where integration_guid = $1', [guid])
    expect(rows).toEqual([])
  })

  it('decides who sees it, by name or by a group that lives; administrators always do', async () => {
    const group = await house.group()
    const [named, member, stranger] = [
      await house.person('publisher'),
      await house.person('publisher', [group]),
      await house.person('publisher'),
    ]
    const permissions = [{ user_guid: (named as { user: string }).user }, { group_guid: group }]
    const guid = await house.newIntegration(alice, { ...acme, permissions })
    const sees = async (actor: Actor): Promise<boolean> => {
      const listed = (await list(actor)).some((each) => each.guid === guid)
      expect((await house.get(at(guid), actor)).status).toBe(listed ? 200 : 404)
      return listed
    }
    expect([await sees(named), await sees(member), await sees(stranger), await sees(alice)]).toEqual([
      true,
      true,
      false,
      true,
    ])
    await house.deleteGroup(group)
    expect([await sees(named), await sees(member)]).toEqual([true, false])
  })

  it('counts a group that somebody has joined a moment ago', async () => {
    const group = await house.group()
    const member = await house.person('publisher')
    const guid = await house.newIntegration(alice, { ...acme, permissions: [{ group_guid: group }] })
    house.joinsUnheard(member, [group])
    expect((await house.get(at(guid), member)).status).toBe(200)
    expect((await house.associate(await house.newContent(member), member, guid)).status).toBe(204)
  })

  it('decides who may associate it; what is associated may stay', async () => {
    const [named, other] = [await house.person('publisher'), await house.person('publisher')]
    const guid = await house.newIntegration(alice, acme)
    const content = await house.newContent(other)
    expect((await house.associate(content, other, guid)).status).toBe(204)
    await house.patch(at(guid), alice, { permissions: [{ user_guid: (named as { user: string }).user }] })
    const more = await house.newIntegration(alice, acme)
    expect((await house.associate(content, other, guid, more)).status).toBe(204)
    await house.associate(content, other, more)
    const answer = await house.associate(content, other, guid)
    expect([answer.status, answer.json().code]).toEqual([400, 207])
    expect((await house.associate(await house.newContent(named), named, guid)).status).toBe(204)
    expect((await house.associate(content, alice, guid)).status).toBe(204)
  })
})

describe('the verification of an integration', () => {
  it('has the vault get a token by what the integration is now, and answers without a body', async () => {
    const guid = await house.newIntegration(alice, robot)
    await house.patch(at(guid), alice, { config: { client_id: 'newest' } })
    house.asked = []
    const answer = await house.post(`${at(guid)}/verify`, alice, {})
    expect([answer.status, answer.text]).toEqual([200, ''])
    expect(house.asked).toEqual([
      {
        request: 'POST /internal/integration-verifications',
        body: { integration: (await published(guid)).state },
      },
    ])
    expect(house.asked[0]?.body.integration).toMatchObject({ guid, client: { client_id: 'newest' } })
  })

  it('is for service accounts', async () => {
    const answer = await house.post(`${at(await house.newIntegration(alice))}/verify`, alice, {})
    expect([answer.status, answer.json().code]).toEqual([400, 240])
  })

  it('is not for a service account without a client, of which no two content items get the same', async () => {
    const config = { auth_type: 'Service Account', role_arn: 'arn:aws:iam::123456789012:role/analyst' }
    const made = await house.post(INTEGRATIONS, alice, { template: 'aws', name: 'Role', config })
    const answer = await house.post(`${at(made.json<{ guid: string }>().guid)}/verify`, alice, {})
    expect([answer.status, answer.json().code]).toEqual([400, 240])
  })

  it('says what the vault says when there is no token; both outcomes are in the history', async () => {
    const guid = await house.newIntegration(alice, robot)
    await house.post(`${at(guid)}/verify`, alice, {})
    house.vaultAnswers = {
      status: 400,
      headers: { [ERROR_CODE_HEADER]: 'token_endpoint.failed' },
      body: {
        code: 241,
        error: 'The provider refuses this integration.',
        payload: { provider_error: 'invalid_client' },
      },
    }
    const answer = await house.post(`${at(guid)}/verify`, alice, {})
    expect([answer.status, answer.json()]).toEqual([
      400,
      { code: 241, error: 'The provider refuses this integration.', payload: { provider_error: 'invalid_client' } },
    ])
    const { rows } = await house.pool.query<{ data: string }>(
      `select data from event where stream_id = $1 and type = 'IntegrationVerified' order by version`,
      [`integration-${guid}`],
    )
    expect(rows.map(({ data }) => JSON.parse(data) as unknown)).toEqual([
      { succeeded: true, error: null },
      { succeeded: false, error: 'invalid_client' },
    ])
    expect((await shown(guid)).updated_time).toBe((await shown(guid)).created_time)
  })

  it('F19 H19 is told to wait who fails with one address after the other; nobody else is', async () => {
    const guid = await house.newIntegration(alice, robot)
    const mallory = await house.person('administrator')
    house.vaultAnswers = {
      status: 400,
      headers: { [ERROR_CODE_HEADER]: 'token_endpoint.failed' },
      body: { code: 241, error: 'The provider gave no token.', payload: { reason: 'unreachable' } },
    }
    house.asked = []
    const answers = await Promise.all(Array.from({ length: 100 }, () => house.post(`${at(guid)}/verify`, mallory, {})))
    const told = answers.map(({ status, json }) => `${status} ${(json() as { code: number }).code}`)
    const refused = told.filter((each) => each === '429 277')
    expect(told.filter((each) => each === '400 241')).toHaveLength(house.asked.length)
    expect(house.asked.length + refused.length).toBe(100)
    expect(house.asked.length).toBeLessThan(15)
    house.vaultAnswers = { status: 204 }
    const { status, headers } = await house.post(`${at(guid)}/verify`, mallory, {})
    expect([status, headers['retry-after']]).toEqual([429, expect.stringMatching(/^[1-6]$/)])
    expect((await house.post(`${at(guid)}/verify`, alice, {})).status).toBe(200)
  })

  it('F19 goes nowhere when it is saved', async () => {
    house.asked = []
    for (let port = 1; port <= 5; port++) {
      const config = { ...robot.config, token_uri: `https://nobody-${port}.example/token` }
      await house.newIntegration(alice, { ...robot, config })
    }
    expect(house.asked.map(({ request }) => request).filter((request) => !request.includes('client-secrets'))).toEqual(
      [],
    )
  })

  it('says nothing of the integration when the vault is down', async () => {
    const guid = await house.newIntegration(alice, robot)
    house.vaultAnswers = { status: 500 }
    expect((await house.post(`${at(guid)}/verify`, alice, {})).status).toBe(503)
    expect((await published(guid)).version).toBe(1)
  })
})

describe('what an integration says of its client secrets', () => {
  const standing = async (guid: string, reference: unknown) =>
    (
      await house.service.request({
        path: `/internal/integrations/${guid}/client-secrets/${String(reference)}`,
        caller: 'vault',
      })
    ).json()

  it('is from its log: which one it names, since when another no more, and which it never did', async () => {
    const guid = await house.newIntegration(alice)
    const first = (await published(guid)).state?.client.client_secret_reference
    expect(await standing(guid, first)).toEqual({ standing: 'current', since: null })
    await house.patch(at(guid), alice, { config: { client_secret: 'canary-2' } })
    const second = (await published(guid)).state?.client.client_secret_reference
    expect(await standing(guid, first)).toEqual({ standing: 'former', since: expect.any(String) as string })
    expect(await standing(guid, second)).toEqual({ standing: 'current', since: null })
    await house.delete(at(guid), alice)
    expect(await standing(guid, second)).toEqual({ standing: 'former', since: expect.any(String) as string })
    expect(await standing(guid, randomUUID())).toEqual({ standing: 'never', since: null })
    expect(await standing(randomUUID(), second)).toEqual({ standing: 'never', since: null })
  })
})

describe('the content that an integration is associated with', () => {
  it('is listed for administrators, as the content lists the integration', async () => {
    const guid = await house.newIntegration(alice)
    const contents = [await house.newContent(priya), await house.newContent(priya)]
    for (const content of contents) await house.associate(content, priya, guid)
    const answer = await house.get(`${at(guid)}/associations`, alice)
    expect(answer.text).toContain(guid)
    const listed = answer.json<Record<string, unknown>[]>()
    expect(listed.map((each) => each.content_guid)).toEqual(contents)
    const ofContent = await house.get(`${CONTENT}/${contents[0]}/oauth/integrations/associations`, priya)
    expect(ofContent.json()).toEqual([listed[0]])
  })
})
