import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { jest } from '@jest/globals'
import type { Actor } from '#libs/contracts'
import { sql } from '#libs/event-sourcing'
import { bundleOf, manifestFor, SETTINGS_TEXT, tar } from '#libs/testing'
import { Archives } from './archives.js'
import { Uploads } from './uploads.js'
import { CONTENT, newHouse, type House } from '../house.fixture.js'

const MOST = 3_000_000

interface BundleAnswer {
  id: string
  content_guid: string
  active: boolean
  size: number
}

let house: House
let alice: Actor
let priya: Actor
let paul: Actor
let vera: Actor

beforeAll(async () => {
  house = await newHouse(`${SETTINGS_TEXT}\n[Content]\nMaxBundleSize = ${MOST}\n`)
  alice = await house.person('administrator')
  priya = await house.person('publisher')
  paul = await house.person('publisher')
  vera = await house.person('viewer')
})
afterAll(() => house?.close())

const shiny = bundleOf(manifestFor('python-shiny', { python: { version: '3.12.4' } }), {
  name: 'app.py',
  data: 'x = 1',
})
const site = bundleOf({ version: 1, metadata: { appmode: 'static', content_category: 'site' } })

const upload = (guid: string, body: unknown = shiny, actor = priya, headers = {}) =>
  house.post(`${CONTENT}/${guid}/bundles`, actor, body, { 'content-type': 'application/gzip', ...headers })
const uploaded = async (guid: string, body: unknown = shiny) => (await upload(guid, body)).json<BundleAnswer>()
const deploy = (guid: string, body: object = {}, actor = priya) => house.post(`${CONTENT}/${guid}/deploy`, actor, body)
const shown = async (guid: string) => (await house.get(`${CONTENT}/${guid}`, priya)).json()
const archives = async () =>
  (
    await house.pool.query<{ parts: number; archives: number }>(`
    select (select count(*) from archive_part)::int as parts, (select count(*) from archive)::int as archives`)
  ).rows[0]!

describe('a bundle', () => {
  it('is uploaded, deployed and followed as clients do it, and says what the content is', async () => {
    const guid = await house.newContent(priya)
    expect(await shown(guid)).toMatchObject({ app_mode: 'unknown', bundle_id: null, content_category: '' })

    const answer = await upload(guid)
    expect(answer.status).toBe(200)
    const bundle = answer.json<BundleAnswer>()
    expect(bundle).toMatchObject({
      id: expect.stringMatching(/^\d+$/) as string,
      content_guid: guid,
      active: false,
      size: shiny.length,
      py_version: '3.12.4',
      r_version: null,
    })
    expect((await house.get(`${CONTENT}/${guid}/bundles/${bundle.id}`, priya)).json()).toEqual(bundle)

    const deployed = await deploy(guid, { bundle_id: bundle.id })
    expect([deployed.status, Object.keys(deployed.json())]).toEqual([202, ['task_id']])
    const { task_id: task } = deployed.json<{ task_id: string }>()
    expect((await house.get(`/__api__/v1/tasks/${task}?wait=1&first=0`, priya)).json()).toEqual({
      id: task,
      output: [],
      result: null,
      finished: true,
      code: 0,
      error: '',
      last: 1,
    })
    expect(await shown(guid)).toMatchObject({
      app_mode: 'python-shiny',
      bundle_id: bundle.id,
      py_version: '3.12.4',
      last_deployed_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
    })
    expect((await house.get(`${CONTENT}/${guid}/bundles`, priya)).json()).toMatchObject([
      { id: bundle.id, active: true },
    ])
  })

  it('CONTENT-12 makes static what was interactive: the associations stay and their content’s new kind is published', async () => {
    const guid = await house.newContent(priya)
    await uploaded(guid)
    await deploy(guid)
    const integration = await house.newIntegration(alice)
    expect((await house.associate(guid, priya, integration)).status).toBe(204)
    const { id } = await uploaded(guid, site)
    await deploy(guid, { bundle_id: id })
    expect(await shown(guid)).toMatchObject({ app_mode: 'static', content_category: 'site' })
    const published = await house.service.request({ path: `/internal/published/content/${guid}`, caller: 'vault' })
    expect(published.json()).toMatchObject({
      state: { kind: 'static', associations: [{ oauth_integration_guid: integration }] },
    })
    expect((await house.associate(guid, priya, integration)).json()).toMatchObject({ code: 237 })
  })

  it('is listed newest first; without a name the one deployed before is deployed, or the newest', async () => {
    const guid = await house.newContent(priya)
    const [first, second] = [await uploaded(guid), await uploaded(guid, site)]
    const list = async () => (await house.get(`${CONTENT}/${guid}/bundles`, priya)).json<BundleAnswer[]>()
    expect((await list()).map(({ id }) => id)).toEqual([second.id, first.id])
    await deploy(guid)
    expect(await shown(guid)).toMatchObject({ bundle_id: second.id })
    await deploy(guid, { bundle_id: Number(first.id) })
    await uploaded(guid, site)
    await deploy(guid)
    expect(await shown(guid)).toMatchObject({ bundle_id: first.id, app_mode: 'python-shiny' })
    expect((await list()).map(({ active }) => active)).toEqual([false, false, true])
  })

  it('is kept byte for byte, also in many parts and without a length, and given back', async () => {
    const guid = await house.newContent(priya)
    const large = bundleOf(manifestFor('shiny'), { name: 'data', data: randomBytes(2_500_000) })
    const { id, size } = await uploaded(guid, Readable.from(parts(large, 70_001)))
    expect(size).toBe(large.length)
    const download = await house.get(`${CONTENT}/${guid}/bundles/${id}/download`, priya)
    expect(download.headers).toMatchObject({
      'content-type': 'application/gzip',
      'content-length': String(large.length),
      'content-disposition': `attachment; filename="bundle-${id}.tar.gz"`,
    })
    const { rows } = await house.pool.query<{ sha256: string; count: number }>(
      `select sha256, (select count(*) from archive join archive_part on archive_guid = guid
         where bundle_guid = bundle.guid)::int as count from bundle where position = $1`,
      [id],
    )
    expect(rows[0]).toEqual({ sha256: createHash('sha256').update(large).digest('hex'), count: 3 })
    expect(download.bytes.equals(large)).toBe(true)
  })

  it('H01 is refused with 413 when it is too large, said or not said before, and leaves nothing', async () => {
    const guid = await house.newContent(priya)
    const before = await archives()
    const large = bundleOf(manifestFor('shiny'), { name: 'data', data: randomBytes(MOST) })
    for (const body of [large, Readable.from(parts(large, 64 * 1024))]) {
      const answer = await upload(guid, body)
      expect([answer.status, answer.json().code, answer.headers.connection]).toEqual([413, 87, 'close'])
    }
    expect(await archives()).toEqual(before)
  })

  it.each<[string, () => unknown, number, number]>([
    ['no archive', () => 'canary', 400, 87],
    ['a JSON document', () => ({}), 400, 87],
    ['an archive without manifest', () => gzipSync(tar({ name: 'app.py', data: '' })), 400, 38],
    ['an unknown app mode', () => bundleOf(manifestFor('canary')), 400, 38],
    [
      'H11 a bomb',
      () =>
        gzipSync(
          Buffer.concat([tar({ name: 'z', data: '', size: 8 ** 11 - 1 }).subarray(0, 512), Buffer.alloc(150_000_000)]),
        ),
      400,
      38,
    ],
  ])('is refused: %s', async (_, body, status, code) => {
    const guid = await house.newContent(priya)
    const before = await archives()
    const answer = await upload(guid, body())
    expect([answer.status, answer.json().code]).toEqual([status, code])
    expect(answer.text).not.toContain('canary')
    expect(await archives()).toEqual(before)
    expect((await house.get(`${CONTENT}/${guid}/bundles`, priya)).json()).toEqual([])
  })

  it('H11 is not unpacked before it is read: a content encoding is refused', async () => {
    const guid = await house.newContent(priya)
    const answer = await upload(guid, shiny, priya, { 'content-encoding': 'gzip' })
    expect([answer.status, answer.json().code]).toEqual([415, 87])
  })

  it('cannot be sent without a body', async () => {
    const guid = await house.newContent(priya)
    const answer = await house.service.request({ method: 'POST', path: `${CONTENT}/${guid}/bundles`, actor: priya })
    expect([answer.status, answer.json().code]).toEqual([400, 87])
  })

  it('H13 is the same one when its idempotency key comes again, and another archive under it is refused', async () => {
    const guid = await house.newContent(priya)
    const key = { 'idempotency-key': 'bundle' }
    const first = (await upload(guid, shiny, priya, key)).json()
    expect((await upload(guid, shiny, priya, key)).json()).toEqual(first)
    expect((await upload(guid, site, priya, key)).status).toBe(409)
    expect((await house.get(`${CONTENT}/${guid}/bundles`, priya)).json()).toHaveLength(1)
    const { rows } = await house.pool.query('select from archive where content_guid = $1', [guid])
    expect(rows).toHaveLength(1)
  })

  it('can be deleted with its archive, unless it is the one that is deployed', async () => {
    const guid = await house.newContent(priya)
    const [first, second] = [await uploaded(guid), await uploaded(guid)]
    await deploy(guid, { bundle_id: first.id })
    const path = (id: string) => `${CONTENT}/${guid}/bundles/${id}`
    expect((await house.delete(path(first.id), priya)).json()).toMatchObject({ code: 75 })
    expect((await house.delete(path(second.id), priya)).status).toBe(204)
    for (const request of [house.get(path(second.id), priya), house.delete(path(second.id), priya)]) {
      expect((await request).json()).toMatchObject({ code: 4 })
    }
    const { rows } = await house.pool.query('select from archive where content_guid = $1', [guid])
    expect(rows).toHaveLength(1)
  })

  it('goes with its content, archive and task included', async () => {
    const guid = await house.newContent(priya)
    const { id } = await uploaded(guid)
    const { task_id: task } = (await deploy(guid, { bundle_id: id })).json<{ task_id: string }>()
    expect((await house.delete(`${CONTENT}/${guid}`, priya)).status).toBe(204)
    const { rows } = await house.pool.query(
      `select from archive where content_guid = $1 union all select from bundle where content_guid = $1
       union all select from task where content_guid = $1`,
      [guid],
    )
    expect(rows).toEqual([])
    expect((await house.get(`/__api__/v1/tasks/${task}`, priya)).json()).toMatchObject({ code: 141 })
  })

  it.each(['0', '99999999999999999999', 'x', '1e3', '-1', '00000000-0000-4000-8000-000000000000'])(
    'that is called %s is none',
    async (id) => {
      const guid = await house.newContent(priya)
      expect((await house.get(`${CONTENT}/${guid}/bundles/${id}`, priya)).json()).toMatchObject({ code: 4 })
      expect((await deploy(guid, { bundle_id: id })).json()).toMatchObject({ code: 28 })
    },
  )

  it('of another item cannot be deployed, and none cannot either', async () => {
    const [guid, other] = [await house.newContent(priya), await house.newContent(priya)]
    const { id } = await uploaded(other)
    for (const body of [{ bundle_id: id }, {}]) {
      const answer = await deploy(guid, body)
      expect([answer.status, answer.json().code]).toEqual([404, 28])
    }
    expect((await deploy(other, { bundle_id: id, activate: false })).json()).toMatchObject({ code: 25 })
  })

  it('is for those who may edit the content', async () => {
    const guid = await house.newContent(priya, { access_type: 'logged_in' })
    const hidden = await house.newContent(priya)
    const { id } = await uploaded(guid)
    const { task_id: task } = (await deploy(guid)).json<{ task_id: string }>()
    const asks = (content: string, actor: Actor) => [
      upload(content, shiny, actor),
      deploy(content, {}, actor),
      house.get(`${CONTENT}/${content}/bundles`, actor),
      house.get(`${CONTENT}/${content}/bundles/${id}`, actor),
      house.get(`${CONTENT}/${content}/bundles/${id}/download`, actor),
      house.delete(`${CONTENT}/${content}/bundles/${id}`, actor),
    ]
    for (const actor of [paul, vera]) {
      for (const ask of asks(guid, actor)) expect((await ask).json()).toMatchObject({ code: 22 })
    }
    for (const ask of asks(hidden, paul)) expect((await ask).json()).toMatchObject({ code: 4 })
    expect((await house.get(`/__api__/v1/tasks/${task}`, paul)).json()).toMatchObject({ code: 22 })
    expect((await house.get('/__api__/v1/tasks/x', priya)).json()).toMatchObject({ code: 141 })
    expect((await deploy(guid, {}, alice)).status).toBe(202)
  })

  it('cannot be uploaded to content that is locked or comes from git', async () => {
    const guid = await house.newContent(priya)
    await uploaded(guid)
    await house.patch(`${CONTENT}/${guid}`, alice, { locked: true })
    expect((await upload(guid)).json()).toMatchObject({ code: 222 })
    expect((await deploy(guid)).json()).toMatchObject({ code: 222 })
    await house.patch(`${CONTENT}/${guid}`, alice, { locked: false })
    await house.service.request({
      method: 'PUT',
      path: `${CONTENT}/${guid}/repository`,
      actor: priya,
      body: { repository: 'https://git.example/sales' },
    })
    const answer = await upload(guid)
    expect([answer.status, answer.json().code]).toEqual([409, 144])
  })

  it('that broke off an hour ago is forgotten at the next upload', async () => {
    const guid = await house.newContent(priya)
    await house.pool.query(
      `insert into archive (guid, content_guid, begun_at) values
         ('00000000-0000-4000-8000-0000000000aa', $1, now() - interval '61 minutes'),
         ('00000000-0000-4000-8000-0000000000ab', $1, now() - interval '59 minutes')`,
      [guid],
    )
    const left = async () =>
      (await house.pool.query<{ guid: string }>('select guid from archive where bundle_guid is null')).rows
    await uploaded(guid)
    expect(await left()).toEqual([{ guid: '00000000-0000-4000-8000-0000000000ab' }])
    await house.pool.query(`update archive set begun_at = now() - interval '61 minutes' where bundle_guid is null`)
    await house.service.app.get(Archives).onApplicationBootstrap()
    expect(await left()).toEqual([])
  })

  it('that has been taken for abandoned becomes no bundle', async () => {
    const guid = await house.newContent(priya)
    const own = house.service.app.get(Archives)
    const complete = own.complete.bind(own)
    jest.spyOn(own, 'complete').mockImplementationOnce(async (client, archiveGuid, bundleGuid) => {
      await client.query(sql`delete from archive where guid = ${archiveGuid}`)
      await complete(client, archiveGuid, bundleGuid)
    })
    expect((await upload(guid)).status).toBe(408)
    expect((await house.get(`${CONTENT}/${guid}/bundles`, priya)).json()).toEqual([])
  })

  it('H19 waits for room: two of one person at a time, and those of others beside them', async () => {
    const guid = await house.newContent(priya)
    const uploads = house.service.app.get(Uploads)
    const gate = Promise.withResolvers<void>()
    async function* slowly(): AsyncGenerator<Buffer> {
      await gate.promise
      yield shiny
    }
    const running = ['one', 'one', 'two'].map((person) => uploads.receive(guid, person, slowly()))
    await expect(uploads.receive(guid, 'one', slowly())).rejects.toMatchObject({
      code: 'request.rate_limited',
      payload: { retry_after: 5 },
    })
    gate.resolve()
    for (const { archiveGuid } of await Promise.all(running)) await house.service.app.get(Archives).discard(archiveGuid)
    await house.service.app.get(Archives).discard((await uploads.receive(guid, 'one', slowly())).archiveGuid)
  })
})

function* parts(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
