import { randomUUID } from 'node:crypto'
import type { Actor } from '#libs/contracts'
import { ConcurrencyConflict, PostgresEventStore, Streams } from '#libs/event-sourcing'
import { ContentQueries } from './content.queries.js'
import { contentStream } from './content.stream.js'
import { CONTENT, INTEGRATIONS, newHouse, robot, type House } from '../house.fixture.js'

let house: House
let alice: Actor
let priya: Actor
/** A Viewer integration and one of a service account. */
let viewer: string
let service: string

beforeAll(async () => {
  house = await newHouse()
  alice = await house.person('administrator')
  priya = await house.person('publisher')
  viewer = await house.newIntegration(alice)
  service = await house.newIntegration(alice, robot)
})
afterAll(() => house?.close())

const change = (content: string, body: object) => house.patch(`${CONTENT}/${content}`, priya, body)
const refusal = (answer: { status: number; json(): unknown }) => [
  answer.status,
  (answer.json() as { code: number }).code,
]

async function contentOf(appMode: string, accessType = 'acl'): Promise<string> {
  const guid = await house.newContent(priya)
  expect((await change(guid, { app_mode: appMode, access_type: accessType })).status).toBe(200)
  return guid
}

describe('the associations of a content item', () => {
  it('API-03 API-04 ASC-01 ASC-02 are set by a body that is labelled as a form', async () => {
    const guid = await house.newContent(priya)
    const answer = await house.service.request({
      method: 'PUT',
      path: `${CONTENT}/${guid}/oauth/integrations/associations`,
      actor: priya,
      body: `[\n{"oauth_integration_guid": "${viewer}"}\n]`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect([answer.status, answer.text]).toEqual([204, ''])
    expect(await house.associated(guid, priya)).toEqual([viewer])
  })

  it('ASC-01 are refused for content that does not exist', async () => {
    expect(refusal(await house.associate(randomUUID(), priya, viewer))).toEqual([404, 4])
  })

  it('ASC-02 ASC-03 ASC-04 are replaced whole, several or none, all or nothing', async () => {
    const guid = await house.newContent(priya)
    expect((await house.associate(guid, priya, viewer, service)).status).toBe(204)
    expect(await house.associated(guid, priya)).toEqual([viewer, service])
    expect(refusal(await house.associate(guid, priya, service, randomUUID()))).toEqual([400, 207])
    expect(refusal(await house.associate(guid, priya, service, service))).toEqual([400, 258])
    expect(refusal(await house.associate(guid, priya, service, 'canary'))).toEqual([400, 207])
    expect(await house.associated(guid, priya)).toEqual([viewer, service])
    await house.associate(guid, priya, service)
    expect(await house.associated(guid, priya)).toEqual([service])
    await house.associate(guid, priya)
    expect(await house.associated(guid, priya)).toEqual([])
  })

  it('are refused when they are no list', async () => {
    const path = `${CONTENT}/${await house.newContent(priya)}/oauth/integrations/associations`
    for (const [body, code] of [
      [{ oauth_integration_guid: viewer }, 25],
      [[viewer], 25],
      [[{}], 207],
      [Array.from({ length: 101 }, () => ({ oauth_integration_guid: randomUUID() })), 208],
    ] as const) {
      expect(refusal(await house.service.request({ method: 'PUT', path, actor: priya, body }))).toEqual([400, code])
    }
  })

  it('ASC-08 are set by owner and administrator, and by nobody who may only look', async () => {
    const guid = await house.newContent(priya, { access_type: 'logged_in' })
    const [paul, vera] = [await house.person('publisher'), await house.person('viewer')]
    expect(refusal(await house.associate(guid, paul, viewer))).toEqual([403, 22])
    expect(refusal(await house.associate(guid, vera, viewer))).toEqual([403, 22])
    expect((await house.associate(guid, alice, viewer)).status).toBe(204)
    const hidden = await house.newContent(priya)
    expect(refusal(await house.associate(hidden, paul, viewer))).toEqual([404, 4])
  })

  it('ASC-08 are set by a collaborator who publishes', async () => {
    const guid = await house.newContent(priya)
    const paul = await house.person('publisher')
    const permission = {
      principal_guid: (paul as { user: string }).user,
      principal_type: 'user',
      role: 'owner',
    }
    expect((await house.post(`${CONTENT}/${guid}/permissions`, priya, permission)).status).toBe(200)
    expect((await house.associate(guid, paul, viewer)).status).toBe(204)
  })

  it('ASC-10 go with their integration, and are refused from then on', async () => {
    const guid = await house.newContent(priya)
    const gone = await house.newIntegration(alice)
    await house.associate(guid, priya, gone, viewer)
    expect((await house.delete(`${INTEGRATIONS}/${gone}`, alice)).status).toBe(204)
    expect(await house.associated(guid, priya)).toEqual([viewer])
    expect(refusal(await house.associate(guid, priya, gone))).toEqual([400, 207])
  })

  it('are refused when there are too many, before they are looked at', async () => {
    const guid = await house.newContent(priya)
    const many = Array.from({ length: 101 }, () => 'canary')
    expect(refusal(await house.associate(guid, priya, ...many))).toEqual([400, 208])
  })

  it('are answered the second time as the first, though an integration has been deleted since', async () => {
    const [guid, integration] = [await house.newContent(priya), await house.newIntegration(alice)]
    const put = () =>
      house.service.request({
        method: 'PUT',
        path: `${CONTENT}/${guid}/oauth/integrations/associations`,
        actor: priya,
        body: [{ oauth_integration_guid: integration }],
        headers: { 'idempotency-key': `"${guid}"` },
      })
    expect((await put()).status).toBe(204)
    expect((await house.delete(`${INTEGRATIONS}/${integration}`, alice)).status).toBe(204)
    expect((await put()).status).toBe(204)
    expect(await house.associated(guid, priya)).toEqual([])
  })

  it('ASC-10 R03 that nobody dropped with their integration are found by the next sweep', async () => {
    const [guid, integration] = [await house.newContent(priya), await house.newIntegration(alice)]
    await house.associate(guid, priya, integration)
    const contents = house.service.app.get(ContentQueries)
    expect(await contents.integrationsGone()).toEqual([])
    await house.pool.query('delete from integration where guid = $1', [integration])
    expect(await contents.integrationsGone()).toEqual([integration])
    await house.associate(guid, priya)
  })

  it('ASC-10 are not left behind by an integration that is deleted at the same time', async () => {
    for (let round = 0; round < 10; round++) {
      const guid = await house.newContent(priya)
      const gone = await house.newIntegration(alice)
      const [set, deleted] = await Promise.all([
        house.associate(guid, priya, gone),
        house.delete(`${INTEGRATIONS}/${gone}`, alice),
      ])
      expect([204, 400]).toContain(set.status)
      expect(deleted.status).toBe(204)
      const told = await house.service.request({ path: `/internal/published/content/${guid}`, caller: 'vault' })
      expect(told.json()).toMatchObject({ state: { associations: [] } })
    }
  })

  it('H14: fifty lists at the same time end as one of them', async () => {
    const guid = await house.newContent(priya)
    const made = [viewer, service]
    while (made.length < 8) made.push(await house.newIntegration(alice))
    const lists = Array.from({ length: 50 }, (_, index) => made.filter((_, bit) => ((index + 1) >> bit) & 1))
    // Every other one comes by way of another process, which does not queue with the first.
    const other = new Streams(new PostgresEventStore(house.pool))
    const elsewhere = async (list: string[]): Promise<number> => {
      const integrations = list.map((each) => {
        return { guid: each, authType: each === service ? 'Service Account' : 'Viewer', usable: true } as const
      })
      const command = {
        type: 'SetAssociations',
        editor: { guid: randomUUID(), role: 'administrator' },
        integrations,
      } as const
      try {
        await other.handle(contentStream, guid, command, { actor: alice, commandId: randomUUID() })
        return 204
      } catch (error) {
        if (error instanceof ConcurrencyConflict) return 409
        throw error
      }
    }
    const statuses = await Promise.all(
      lists.map(async (list, index) =>
        index % 2 === 0 ? (await house.associate(guid, priya, ...list)).status : await elsewhere(list),
      ),
    )
    expect(statuses.filter((status) => status !== 204 && status !== 409)).toEqual([])
    const winners = statuses.flatMap((status, index) => (status === 204 ? [lists[index]!.toSorted().join()] : []))
    expect(winners).toContain((await house.associated(guid, priya)).toSorted().join())
    const { rows } = await house.pool.query<{ guids: string[] }>(
      'select array_agg(integration_guid::text) as guids from association where content_guid = $1',
      [guid],
    )
    expect(rows[0]?.guids.toSorted()).toEqual((await house.associated(guid, priya)).toSorted())
  })
})

describe('the support matrices', () => {
  const kinds = { interactive: 'shiny', rendered: 'quarto-static', static: 'static' } as const

  it.each<[string, 'Viewer' | 'Service Account', keyof typeof kinds, boolean]>([
    ['CONTENT-01 ASC-05', 'Viewer', 'interactive', true],
    ['CONTENT-02 ASC-05', 'Viewer', 'rendered', false],
    ['CONTENT-03 ASC-07', 'Viewer', 'static', false],
    ['CONTENT-04 ASC-06', 'Service Account', 'interactive', true],
    ['CONTENT-05 ASC-06', 'Service Account', 'rendered', true],
    ['CONTENT-06 ASC-07', 'Service Account', 'static', false],
  ])('%s: %s on %s content: %s; CONTENT-12 what becomes such content keeps it, and says so', async (...row) => {
    const [, authType, kind, supported] = row
    const integration = authType === 'Viewer' ? viewer : service
    const answer = await house.associate(await contentOf(kinds[kind]), priya, integration)
    if (supported) expect(answer.status).toBe(204)
    else expect(refusal(answer)).toEqual([400, 237])

    const becoming = await contentOf('unknown')
    await house.associate(becoming, priya, integration)
    expect((await change(becoming, { app_mode: kinds[kind] })).status).toBe(200)
    expect(await house.associated(becoming, priya)).toEqual([integration])
    const told = await house.service.request({ path: `/internal/published/content/${becoming}`, caller: 'vault' })
    expect(told.json()).toMatchObject({
      state: { kind, associations: [{ oauth_integration_guid: integration, auth_type: authType }] },
    })
  })

  it.each<[string, 'Viewer' | 'Service Account', string, boolean]>([
    ['CONTENT-07 CONTENT-11', 'Viewer', 'all', false],
    ['CONTENT-09', 'Service Account', 'all', true],
    ['', 'Viewer', 'logged_in', true],
    ['', 'Service Account', 'logged_in', true],
  ])('%s: %s with access %s, in either order: %s', async (_, authType, accessType, supported) => {
    const integration = authType === 'Viewer' ? viewer : service
    const open = await house.associate(await contentOf('shiny', accessType), priya, integration)
    const opening = await contentOf('shiny')
    await house.associate(opening, priya, integration)
    const opened = await change(opening, { access_type: accessType })
    if (supported) {
      expect([open.status, opened.status]).toEqual([204, 200])
      return
    }
    expect([refusal(open), refusal(opened)]).toEqual([
      [400, 237],
      [400, 209],
    ])
    await house.associate(opening, priya)
    expect((await change(opening, { access_type: accessType })).status).toBe(200)
  })
})
