import { randomBytes, randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import type { Actor, AuditAnswer, AuditQuestion } from '#libs/contracts'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import { AuditReader } from './audit-reader.js'
import { AUDIT_SCHEMA_AGAIN_SQL, AUDIT_SCHEMA_SQL } from './audit-schema.js'
import { logSchema } from './log-schema.js'

const ANN = 'a11ce000-0000-4000-8000-000000000001'
const BOB = 'b0b00000-0000-4000-8000-000000000002'
const user = (guid: string): Actor => ({ type: 'user', guid, role: 'administrator', sid: 'hash' })

let database: FreshDatabase
let pool: Pool
let reader: AuditReader

beforeEach(async () => {
  database = await freshDatabase('empty')
  const owner = database.ownerPool()
  await owner.query('create table public.migrations (name text)')
  await owner.query(logSchema('empty'))
  await owner.query(AUDIT_SCHEMA_SQL)
  pool = database.pool()
  reader = new AuditReader(pool, [
    {
      source: 1,
      actions: {
        group: { GroupCreated: ['add_group', 'name', 'memberGuids'], GroupDeleted: 'remove_group' },
        user: { UserLocked: 'lock_user', SessionBegun: 'user_login' },
      },
    },
  ])
})
afterEach(() => database.drop())

const INSERT = `insert into event (stream_id, version, type, schema_version, data, meta, command_id, hash)
  values ($1, $2, $3, 1, $4, $5, $6, sha256('')) returning position`

async function write(
  streamId: string,
  type: string,
  actor: Actor,
  data: object = {},
  { version = 1, connection = pool as Pick<Pool, 'query'> } = {},
): Promise<string> {
  const meta = JSON.stringify({ actor, at: new Date(), command_id: randomUUID() })
  const values = [streamId, version, type, JSON.stringify(data), meta, randomUUID()]
  return (await connection.query<{ position: string }>(INSERT, values)).rows[0]!.position
}

const ask = (question: Partial<AuditQuestion> = {}): Promise<AuditAnswer> =>
  reader.answer({ limit: 100, order: 'ascending', ...question })
const positions = async (question: Partial<AuditQuestion> = {}): Promise<string[]> =>
  (await ask(question)).entries.map(({ position }) => position)

describe('what a service says of its log', () => {
  it('is who did what to what, with the details that the table of actions names', async () => {
    const group = randomUUID()
    const members = Array.from({ length: 12 }, () => randomUUID())
    const data = { name: 'Sales team', memberGuids: members, secret: 'never shown', ownerGuid: null }
    await write(`group-${group}`, 'GroupCreated', { type: 'key', guid: randomUUID(), user: ANN, role: 'viewer' }, data)
    const { entries } = await ask()
    expect(entries).toEqual([
      {
        source: 1,
        position: expect.stringMatching(/^\d+$/),
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
        action: 'add_group',
        user_guid: ANN,
        process: null,
        event_description: `A group was added: group_guid=${group}, name="Sales team", member_guids=${members
          .slice(0, 10)
          .join(' ')} and 2 more`,
      },
    ])
  })

  it.each<[string, Actor, string | null, string | null]>([
    ['a person', user(ANN), ANN, null],
    ['an API key', { type: 'key', guid: BOB, user: ANN, role: 'viewer' }, ANN, null],
    ['a content’s key', { type: 'content_key', guid: BOB, content: BOB, owner: ANN }, ANN, null],
    ['a login', { type: 'provider' }, BOB, null],
    ['an operator', { type: 'operator', name: 'root' }, null, 'Operator root'],
    ['a service', { type: 'service', name: 'vault' }, null, 'Service vault'],
    ['the bootstrap', { type: 'bootstrap' }, null, 'Bootstrap'],
    ['a link', { type: 'link', guid: BOB, content: BOB }, null, 'Visitor by share link'],
    ['nobody', { type: 'anonymous' }, null, 'System'],
  ])('tells who it was: %s', async (_, actor, guid, process) => {
    await write(`user-${BOB}`, 'SessionBegun', actor)
    expect((await ask()).entries).toMatchObject([{ user_guid: guid, process }])
  })

  it('tells what a provider says of somebody, and the ends of sessions that it asks for, from what they do', async () => {
    await write(`user-${BOB}`, 'UserLocked', { type: 'provider' })
    expect((await ask()).entries).toMatchObject([{ user_guid: null, process: 'Login provider' }])
  })

  it.each([
    ['ASCII', 'a'.repeat(8000)],
    ['four bytes a letter', Array.from({ length: 8000 }, (_, n) => String.fromCodePoint(0x20000 + n)).join('')],
    ['what cannot be compressed', randomBytes(4096).toString('hex')],
  ])('takes words of any length, and finds them: %s', async (_, word) => {
    const one = await write(`group-${randomUUID()}`, 'GroupCreated', user(ANN), { name: `long ${word}` })
    await write(`group-${randomUUID()}`, 'GroupCreated', user(ANN), { name: 'short' })
    expect(await positions({ conditions: [{ words: word }] })).toEqual([one])
  })

  it('is the same where the database was made by an earlier version of the migration', async () => {
    await write(`group-${randomUUID()}`, 'GroupCreated', user(ANN), { name: 'Sales' })
    await database.ownerPool().query(AUDIT_SCHEMA_AGAIN_SQL)
    await write(`group-${randomUUID()}`, 'GroupCreated', user(ANN), { name: randomBytes(4096).toString('hex') })
    expect(await positions({ conditions: [{ words: 'sales' }, { people: [ANN] }] })).toHaveLength(1)
  })

  it('has a word for what a newer process wrote', async () => {
    await write(`thing-${randomUUID()}`, 'NeverHeardOf', { type: 'provider' }, { a: 1 })
    expect((await ask()).entries).toMatchObject([{ action: 'unknown_event', process: 'Login provider' }])
  })

  it('goes both ways from any place, with ties by source', async () => {
    const all = []
    for (let version = 1; version <= 5; version++) {
      all.push(await write(`user-${ANN}`, 'SessionBegun', user(ANN), {}, { version }))
    }
    expect(await positions({ limit: 2 })).toEqual(all.slice(0, 2))
    expect(await positions({ limit: 2, order: 'descending' })).toEqual(all.slice(3).reverse())
    const third = (await ask()).entries[2]!
    expect(await positions({ after: third })).toEqual(all.slice(3))
    expect(await positions({ after: third, order: 'descending' })).toEqual(all.slice(0, 2).reverse())
    // The same moment in a source that comes before or after this one.
    expect(await positions({ after: { ...third, source: 0 } })).toEqual(all.slice(2))
    expect(await positions({ after: { ...third, source: 2 } })).toEqual(all.slice(3))
    expect(await positions({ after: { ...third, source: 2 }, order: 'descending' })).toEqual(all.slice(0, 3).reverse())
    expect(await positions({ since: third.at })).toEqual(all.slice(2))
    expect(await positions({ before: third.at })).toEqual(all.slice(0, 2))
    expect(await positions({ until: third.at })).toEqual(all.slice(0, 2))
  })

  it('says nothing yet of what may still get something before it', async () => {
    const slow = await pool.connect()
    await slow.query('begin')
    const first = await write(`user-${ANN}`, 'UserLocked', user(ANN), {}, { connection: slow })
    const second = await write(`user-${BOB}`, 'UserLocked', user(ANN))
    const answer = await ask()
    expect(answer.entries).toEqual([])
    await slow.query('commit')
    slow.release()
    expect(await positions()).toEqual([first, second])
    // What was complete stays complete.
    expect(await positions({ until: answer.complete_until })).toEqual([])
  })

  it('finds by action, person, thing and word, and counts', async () => {
    const [sales, staff] = [randomUUID(), randomUUID()]
    const one = await write(`group-${sales}`, 'GroupCreated', user(ANN), { name: 'Sales Ärzte', owner: BOB })
    const two = await write(`group-${staff}`, 'GroupCreated', user(BOB), { name: 'staff' })
    const three = await write(`group-${sales}`, 'GroupDeleted', { type: 'operator', name: 'x' }, {}, { version: 2 })
    const four = await write(`user-${BOB}`, 'UserLocked', user(ANN))
    const found = (...conditions: AuditQuestion['conditions'] & object) => positions({ conditions })
    expect(await found({ actions: ['add_group'] })).toEqual([one, two])
    expect(await found({ not: true, actions: ['add_group'] })).toEqual([three, four])
    expect(await found({ actions: ['add_content'] })).toEqual([])
    expect(await found({ not: true, actions: ['add_content'] })).toEqual([one, two, three, four])
    expect(await found({ people: [ANN] })).toEqual([one, four])
    expect(await found({ not: true, people: [ANN] })).toEqual([two, three])
    expect(await found({ system: true })).toEqual([three])
    expect(await found({ system: true, people: [BOB] })).toEqual([two, three])
    expect(await found({ not: true, system: true })).toEqual([one, two, four])
    expect(await found({ people: [] })).toEqual([])
    expect(await found({ things: [sales] })).toEqual([one, three])
    expect(await found({ things: [BOB] })).toEqual([one, four])
    expect(await found({ words: 'sales ärzte' })).toEqual([one])
    expect(await found({ words: 'sales' }, { not: true, people: [ANN] })).toEqual([])
    expect(await found({ words: 'staff', actions: ['lock_user'] })).toEqual([two, four])
    expect(await ask({ limit: 1, count: true, conditions: [{ people: [ANN] }] })).toMatchObject({ total: 2 })
    expect(await ask({ count: true, conditions: [{ people: [] }] })).toMatchObject({ total: 0, entries: [] })
  })

  it('refuses a table in which one type means two actions', () => {
    const actions = { group: { Deleted: 'remove_group' }, user: { Deleted: 'remove_user' } } as const
    expect(() => new AuditReader(pool, [{ source: 0, actions }])).toThrow('Deleted means two actions')
  })
})
