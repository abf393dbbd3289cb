import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Pool } from 'pg'
import { AUDIT_ACTIONS, type Actor, type AuditQuestion } from '#libs/contracts'
import { AuditReader, type AuditedLog, type AuditedTable } from '#libs/event-sourcing'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import { identityUnderTest, keyOf, type IdentityUnderTest } from '../identity-under-test.conformance.js'
import type { AuditEntryView, AuditPageView, AuditSearchView } from './audit.dto.js'

const ANN = 'a11ce000-0000-4000-8000-000000000001'
const BOB = 'b0b00000-0000-4000-8000-000000000002'
const LOGS = '/__api__/v1/audit_logs'
const SEARCH = '/__api__/v1/search/auditlogs'
const administrator = keyOf(ANN, 'administrator')

// The other services as identity sees them: an answer from a real log.
const INTEGRATIONS: readonly AuditedLog[] = [
  { source: 1, actions: { content: { ContentRegistered: ['add_content', 'name'] } } },
]
const ISSUE: AuditedTable = {
  name: 'issue',
  person: 'user_guid',
  things: (guids) => `content_guid = any(${guids})`,
}
const VAULT: readonly AuditedLog[] = [
  { source: 2, actions: { grant: { GrantObtained: ['add_oauth_session', 'userGuid'] } } },
  { source: 3, table: ISSUE, actions: { issue: { TokenIssued: ['issue_oauth_token', 'contentGuid'] } } },
]

interface Peer {
  readonly database: FreshDatabase
  readonly pool: Pool
  readonly server: Server
  readonly url: string
}

let database: FreshDatabase
let pool: Pool
let integrations: Peer
let vault: Peer
let identity: IdentityUnderTest

async function peer(kind: 'integrations' | 'vault', logs: readonly AuditedLog[]): Promise<Peer> {
  const own = await freshDatabase(kind)
  const ownPool = own.pool()
  const reader = new AuditReader(ownPool, logs)
  const server = createServer((request, response) => {
    void (async () => {
      const question = JSON.parse(await text(request)) as AuditQuestion
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(await reader.answer(question)))
    })().catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { database: own, pool: ownPool, server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

beforeEach(async () => {
  database = await freshDatabase('identity')
  pool = database.pool()
  ;[integrations, vault] = await Promise.all([peer('integrations', INTEGRATIONS), peer('vault', VAULT)])
  identity = await identityUnderTest(database, undefined, {
    urls: { integrations: [integrations.url], vault: [vault.url] },
  })
})

afterEach(async () => {
  await identity.close()
  for (const { server, database: own } of [integrations, vault]) {
    server.closeAllConnections()
    server.close()
    await own.drop()
  }
  await database.drop()
})

interface Writing {
  readonly table?: 'event' | 'issue'
  readonly version?: number
  readonly actor?: Actor
  readonly data?: object
}

async function write(
  into: Pick<Pool, 'query'>,
  streamId: string,
  type: string,
  { table = 'event', version = 1, actor = administrator, data = {} }: Writing = {},
): Promise<string> {
  const { rows } = await into.query<{ position: string }>(
    `insert into ${table} (stream_id, version, type, schema_version, data, meta, command_id, hash)
     values ($1, $2, $3, 1, $4, $5, $6, sha256('')) returning position`,
    [streamId, version, type, JSON.stringify(data), JSON.stringify({ actor }), randomUUID()],
  )
  return rows[0]!.position
}

const profile = (guid: string, username: string, firstName: string, lastName: string) =>
  pool.query(
    `insert into profile (user_guid, version, username, first_name, last_name, email, external_id)
     values ($1, 1, $2, $3, $4, '', '')`,
    [guid, username, firstName, lastName],
  )

/** One entry in each of the four logs; their ids in order. */
async function oneEach(): Promise<string[]> {
  const ids = []
  ids.push([await write(pool, `group-${randomUUID()}`, 'GroupCreated', { data: { name: 'Sales' } }), 0])
  ids.push([await write(integrations.pool, `content-${randomUUID()}`, 'ContentRegistered'), 1])
  ids.push([await write(vault.pool, `grant-${randomUUID()}`, 'GrantObtained'), 2])
  const issued = { userGuid: BOB, contentGuid: randomUUID(), integrationGuid: randomUUID() }
  ids.push([await write(vault.pool, `issue-vault-${randomUUID()}`, 'TokenIssued', { table: 'issue', data: issued }), 3])
  return ids.map(([position, source]) => `${Number(position) * 4 + Number(source)}`)
}

const page = async (path: string): Promise<AuditPageView> => {
  const answer = await identity.get(path, administrator)
  expect(answer.status).toBe(200)
  return answer.json<AuditPageView>()
}
const search = async (q: string): Promise<AuditSearchView> =>
  (await page(`${SEARCH}?${new URLSearchParams({ q }).toString()}`)) as AuditSearchView
const idsOf = (results: readonly AuditEntryView[]): string[] => results.map(({ id }) => id)
const local = (url: string): string => url.slice('http://localhost:3939'.length)

describe('the audit log', () => {
  it('is the four logs in one, in the envelope that clients know, and names people as they are called today', async () => {
    await profile(ANN, 'ann', 'Ann', 'Lee')
    const registered = await write(pool, `user-${ANN}`, 'UserRegistered', {
      actor: { type: 'provider' },
      data: { origin: 'provider' },
    })
    const ids = await oneEach()
    const answer = await page(LOGS)
    expect(Object.keys(answer).sort()).toEqual(['paging', 'results'])
    expect(answer.paging).toEqual({
      cursors: { previous: null, next: null },
      first: 'http://localhost:3939/__api__/v1/audit_logs?limit=20&ascOrder=true',
      previous: null,
      next: null,
      last: 'http://localhost:3939/__api__/v1/audit_logs?limit=20&ascOrder=true&previous=end',
    })
    expect(idsOf(answer.results)).toEqual([`${Number(registered) * 4}`, ...ids])
    expect(answer.results[0]).toEqual({
      id: `${Number(registered) * 4}`,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      user_id: registered,
      user_guid: ANN,
      user_description: 'Ann Lee (ann)',
      action: 'add_user',
      event_description: `A person was added: user_guid=${ANN}, origin=provider`,
    })
    // Somebody of whom nothing is known any more.
    expect(answer.results.at(-1)).toMatchObject({
      action: 'issue_oauth_token',
      user_guid: BOB,
      user_id: '0',
      user_description: BOB,
    })
  })

  it('says who acted when it was no person', async () => {
    await write(pool, `group-${randomUUID()}`, 'GroupDeleted', { actor: { type: 'operator', name: 'root' } })
    expect((await page(LOGS)).results).toMatchObject([
      { user_id: '0', user_guid: null, user_description: 'Operator root', action: 'remove_group' },
    ])
  })

  it.each([true, false])(
    'is paged forwards and back without loss or repeat while it grows (ascending: %s)',
    async (ascending) => {
      const before: string[] = []
      for (let round = 0; round < 5; round++) before.push(...(await oneEach()))
      const expected = ascending ? before : [...before].reverse()
      const pages: string[][] = []
      let next: string | null = `http://localhost:3939${LOGS}?limit=3&ascOrder=${ascending}`
      let last = ''
      while (next && pages.flat().length < before.length) {
        const { results, paging }: AuditPageView = await page(local(next))
        pages.push(idsOf(results))
        last = next
        next = paging.next
        if (ascending) await write(pool, `group-${randomUUID()}`, 'GroupCreated', { data: { name: 'meanwhile' } })
        else await oneEach()
      }
      const walked = pages.flat()
      expect(new Set(walked).size).toBe(walked.length)
      expect(walked.slice(0, expected.length)).toEqual(expected)
      // And back again: the same pages.
      const back: string[][] = [pages.at(-1)!]
      let previous = (await page(local(last))).paging.previous
      while (previous && back.length < pages.length) {
        const { results, paging }: AuditPageView = await page(local(previous))
        back.unshift(idsOf(results))
        previous = paging.previous
      }
      expect(back).toEqual(pages)
      expect(previous === null).toBe(ascending)
    },
  )

  it('is walked whole by its cursors while many write at once', async () => {
    const written: string[] = []
    let writing = true
    const writers = [pool, integrations.pool, vault.pool].map(async (into, source) => {
      for (let count = 0; count < 60; count++) {
        const ids = await Promise.all(
          [1, 2, 3].map(() => write(into, `${['group', 'content', 'grant'][source]!}-${randomUUID()}`, 'Any')),
        )
        written.push(...ids.map((position) => `${Number(position) * 4 + source}`))
      }
    })
    const done = Promise.all(writers).then(() => (writing = false))
    const seen: string[] = []
    let cursor = ''
    for (;;) {
      const complete = !writing
      const { results, paging }: AuditPageView = await page(`${LOGS}?limit=50&next=${cursor}`)
      // The last page of a log that grows is read again from where it began.
      if (paging.cursors.next === null && !complete) continue
      seen.push(...idsOf(results))
      if (paging.cursors.next === null) break
      cursor = paging.cursors.next
    }
    await done
    expect(seen).toHaveLength(new Set(seen).size)
    expect([...seen].sort()).toEqual([...written].sort())
    expect(idsOf((await page(`${LOGS}?limit=500`)).results)).toEqual(seen.slice(0, 500))
  })

  it('leads to its last page', async () => {
    const ids = [...(await oneEach()), ...(await oneEach())]
    const first = await page(`${LOGS}?limit=3`)
    const last = await page(local(first.paging.last!))
    expect(idsOf(last.results)).toEqual(ids.slice(5))
    expect(last.paging.next).toBeNull()
    expect(idsOf((await page(local(last.paging.previous!))).results)).toEqual(ids.slice(2, 5))
    expect(idsOf((await page(local(last.paging.first!))).results)).toEqual(ids.slice(0, 3))
  })

  it('is empty without URLs when nothing has happened', async () => {
    expect(await page(LOGS)).toEqual({
      results: [],
      paging: { cursors: { previous: null, next: null }, first: null, previous: null, next: null, last: null },
    })
  })

  it('says that a name is too many people’s, without repeating it', async () => {
    await pool.query(
      `insert into profile (user_guid, version, username, first_name, last_name, email, external_id)
       select gen_random_uuid(), 1, 'u' || n, 'Everybody', '', '', '' from generate_series(1, 501) as n`,
    )
    const answer = await identity.get(`${SEARCH}?q=everybody`, administrator)
    await pool.query(`delete from profile where first_name = 'Everybody'`)
    expect([answer.status, answer.json()]).toMatchObject([400, { code: 11 }])
    expect(answer.text).not.toMatch(/everybody/i)
  })

  it('answers 503 rather than leave a service out', async () => {
    await oneEach()
    vault.server.closeAllConnections()
    await new Promise((resolve) => vault.server.close(resolve))
    for (const path of [LOGS, `${SEARCH}?q=sales`]) {
      const answer = await identity.get(path, administrator)
      expect(answer.status).toBe(503)
      expect(answer.json()).toMatchObject({ code: 1, payload: null })
    }
  })

  it.each([LOGS, SEARCH, '/__api__/v1/audit/actions'])('is for administrators: %s', async (path) => {
    expect((await identity.get(path, keyOf(ANN, 'publisher'))).status).toBe(403)
    expect((await identity.request({ path })).status).toBe(401)
    expect((await identity.get(path, administrator)).status).toBe(200)
  })

  it.each(['limit=0', 'limit=501', 'limit=x', 'ascOrder=perhaps', 'next=x', 'previous=x', 'next=a&previous=b'])(
    'refuses %s',
    async (query) => {
      const answer = await identity.get(`${LOGS}?${query}`, administrator)
      expect(answer.status).toBe(400)
      expect(answer.json()).toMatchObject({ code: 25 })
    },
  )

  it('lists its actions', async () => {
    const answer = await identity.get('/__api__/v1/audit/actions', administrator)
    expect(answer.json()).toHaveLength(Object.keys(AUDIT_ACTIONS).length)
    expect(answer.json<unknown[]>()).toContainEqual({ action: 'add_user', description: 'A person was added' })
  })
})

describe('a search of the audit log', () => {
  it('finds by words of actions, details and people, and by filters, the newest first', async () => {
    await profile(BOB, 'bob', 'Bob', 'Ray')
    const registered = await write(pool, `user-${BOB}`, 'UserRegistered', { actor: { type: 'bootstrap' } })
    const [sales, content, grant, issued] = (await oneEach()) as [string, string, string, string]
    const locked = `${Number(await write(pool, `user-${BOB}`, 'UserLocked', { version: 2 })) * 4}`
    const added = `${Number(registered) * 4}`
    const found = async (q: string) => idsOf((await search(q)).results)
    expect(await search('')).toMatchObject({ total: 6, paging: { next: null } })
    expect(await found('')).toEqual([locked, issued, grant, content, sales, added])
    expect(await found('SALES')).toEqual([sales])
    expect(await found('bob')).toEqual([locked, issued, added])
    expect(await found('ray -locked')).toEqual([issued, added])
    expect(await found('"locked out"')).toEqual([locked])
    expect(await found('token')).toEqual([issued])
    expect(await found('action:add_content action:lock_user')).toEqual([locked, content])
    expect(await found('-action:add_content -user_id:0 -bob')).toEqual([grant, sales])
    expect(await found(`user_guid:${ANN}`)).toEqual([locked, grant, content, sales])
    expect(await found(`user_id:${registered}`)).toEqual([issued])
    expect(await found('user_id:0')).toEqual([added])
    expect(await found('from:2000-01-01 to:2001-01-01')).toEqual([])
    expect(await found('-to:2001-01-01 action:add_group')).toEqual([sales])
  })

  it('is paged by cursors and keeps its words on the way', async () => {
    const ids = []
    for (let count = 0; count < 5; count++) {
      ids.unshift((await oneEach())[0]!)
    }
    const first = (await page(`${SEARCH}?q=${encodeURIComponent('sales & "co"')}&limit=2`)) as AuditSearchView
    expect(first).toMatchObject({ total: 0, results: [] })
    let { results, paging, total } = (await page(`${SEARCH}?q=sales&limit=2`)) as AuditSearchView
    expect(total).toBe(5)
    const seen = idsOf(results)
    while (paging.next) {
      ;({ results, paging, total } = (await page(local(paging.next))) as AuditSearchView)
      expect(total).toBe(5)
      seen.push(...idsOf(results))
    }
    expect(seen).toEqual(ids)
  })

  it('says what is wrong with a filter', async () => {
    const answer = await identity.get(`${SEARCH}?q=action:fly`, administrator)
    expect(answer.status).toBe(400)
    expect(answer.json()).toMatchObject({ code: 11 })
  })
})
