import type { Actor, AuditAnswer } from '#libs/contracts'
import { freshDatabase, natsUrl, serviceUnderTest, type FreshDatabase, type ServiceUnderTest } from '#libs/testing'
import { AppModule } from '../app.module.js'
import { INTEGRATIONS_SETTINGS } from '../config.js'

const alice: Actor = {
  type: 'key',
  guid: '00000000-0000-4000-8000-000000000001',
  user: '10000000-0000-4000-8000-000000000001',
  role: 'administrator',
}

let database: FreshDatabase
let service: ServiceUnderTest

beforeAll(async () => {
  database = await freshDatabase('integrations')
  service = await serviceUnderTest({
    name: 'integrations',
    module: AppModule,
    settings: INTEGRATIONS_SETTINGS,
    databaseUrl: database.url,
    natsUrl: natsUrl(),
  })
})

afterAll(async () => {
  await service?.close()
  await database?.drop()
})

const ask = (body: object, caller: 'identity' | 'gateway' | 'vault' = 'identity') =>
  service.request({ method: 'POST', path: '/internal/audit-entries', caller, body })

describe('the log of integrations', () => {
  it('tells identity who added which content', async () => {
    const created = await service.request({
      method: 'POST',
      path: '/__api__/v1/content',
      actor: alice,
      body: { name: 'sales-report', title: 'Sales' },
    })
    const { guid } = created.json<{ guid: string }>()
    const answer = await ask({ limit: 10, order: 'descending', count: true, conditions: [{ things: [guid] }] })
    expect(answer.status).toBe(200)
    expect(answer.json<AuditAnswer>()).toMatchObject({
      complete_until: expect.any(String),
      total: 1,
      entries: [
        {
          source: 1,
          action: 'add_content',
          user_guid: '10000000-0000-4000-8000-000000000001',
          process: null,
          event_description: `A content item was added: content_guid=${guid}, owner_guid=10000000-0000-4000-8000-000000000001, name=sales-report, access_type=acl`,
        },
      ],
    })
  })

  it.each(['gateway', 'vault'] as const)('tells the %s nothing', async (caller) => {
    expect((await ask({ limit: 10, order: 'descending' }, caller)).status).toBe(403)
  })

  it.each([
    { limit: 502, order: 'ascending' },
    { limit: 10, order: 'sideways' },
    { limit: 10, order: 'ascending', after: { at: 'now', source: 0, position: '1' } },
    { limit: 10, order: 'ascending', conditions: [{ actions: ['fly'] }] },
  ])('refuses %j', async (question) => {
    expect((await ask(question)).status).toBe(400)
  })
})
