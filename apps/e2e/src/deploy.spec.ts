import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { jest } from '@jest/globals'
import { bundleOf, eventually, manifestFor, tar } from '#libs/testing'
import { request } from 'undici'
import { World } from './world.js'

jest.setTimeout(120_000)

describe('deploying to the running house', () => {
  let world: World
  let key: string
  let content: string

  beforeAll(async () => {
    world = await World.start({ settings: ['Content.MaxBundleSize=20 MB'] })
    const alice = world.person('alice')
    await alice.logIn()
    key = await alice.makeKey('owner')
    content = await world.makeContent(key, 'probe', world.probe.url, [await world.makeIntegration(key)])
  })
  afterAll(() => world?.stop())

  const at = (path: string) => `${world.address}/__api__/v1/content/${content}/${path}`
  const upload = (body: Buffer | Readable) =>
    request(at('bundles'), { method: 'POST', headers: { authorization: `Key ${key}` }, body })
  const deploy = (bundleId: string) =>
    world.call<{ task_id: string }>(key, 'POST', `/v1/content/${content}/deploy`, { bundle_id: bundleId })
  const bundles = () => world.call<{ id: string }[]>(key, 'GET', `/v1/content/${content}/bundles`)
  const large = bundleOf(manifestFor('python-shiny'), { name: 'data.bin', data: randomBytes(8_000_000) })

  it('takes an archive as it comes, and gives the same bytes back', async () => {
    const answer = await upload(large)
    expect(answer.statusCode).toBe(200)
    const { id, size } = (await answer.body.json()) as { id: string; size: number }
    expect(size).toBe(large.length)
    const { task_id: task } = await deploy(id)
    expect(await world.call(key, 'GET', `/v1/tasks/${task}?wait=1&first=0`)).toMatchObject({ finished: true, code: 0 })
    const { body } = await request(at(`bundles/${id}/download`), { headers: { authorization: `Key ${key}` } })
    expect(Buffer.from(await body.arrayBuffer()).equals(large)).toBe(true)
  })

  it('H01 says that an archive is too large, declared or not', async () => {
    const bytes = gzipSync(tar({ name: 'data.bin', data: randomBytes(21_000_000) }))
    const declared = await request(at('bundles'), {
      method: 'POST',
      headers: { authorization: `Key ${key}`, 'content-length': String(bytes.length) },
      body: Readable.from([bytes.subarray(0, 1000)]),
    }).catch(() => undefined)
    // A client that goes on sending may find the door closed before it has read why.
    expect(declared?.statusCode ?? 413).toBe(413)
    const grown = await upload(Readable.from(chunks(bytes))).catch(() => undefined)
    expect(grown?.statusCode ?? 413).toBe(413)
    expect(await bundles()).toHaveLength(1)
  })

  it('CONTENT-12 refuses the token of a viewer once the content has been deployed again as static', async () => {
    await world.person('vera').consent(content)
    const token = world.probe.tokenOf('vera')
    expect((await world.exchange(key, token)).status).toBe(200)
    const { id } = (await (await upload(bundleOf(manifestFor('static')))).body.json()) as { id: string }
    await deploy(id)
    const refused = await eventually(async () => {
      const exchanged = await world.exchange(key, token)
      return exchanged.status === 200 ? undefined : exchanged
    })
    expect(refused).toMatchObject({ status: 400, code: 237 })
    await deploy((await bundles())[1]!.id)
    await eventually(async () => (await world.exchange(key, token)).status === 200)
  })

  it('R03 leaves nothing of an upload in whose middle the service is killed, and takes the next', async () => {
    const before = await bundles()
    const { promise: halfWay, resolve } = Promise.withResolvers<void>()
    const source = new Readable({ read: () => undefined })
    source.push(large.subarray(0, 4_000_000))
    const cut = upload(source).then(
      ({ statusCode }) => statusCode,
      () => 0,
    )
    const parts = () =>
      world.house
        .pool('integrations')
        .query('select from archive join archive_part on guid = archive_guid where bundle_guid is null')
    void eventually(async () => ((await parts()).rowCount ?? 0) >= 3).then(() => resolve())
    await halfWay
    await world.house.killAndWait('integrations')
    source.push(null)
    expect([0, 502, 503]).toContain(await cut)
    expect(await bundles()).toEqual(before)
    expect((await upload(large)).statusCode).toBe(200)
  })

  it('leads from a vanity path to the content, by every name of the server', async () => {
    await world.call(key, 'PUT', `/v1/content/${content}/vanity`, { path: 'sales' })
    const visit = () => fetch(`${world.address}/sales/a?b=c`, { redirect: 'manual' })
    await eventually(async () => (await visit()).status === 307)
    expect((await visit()).headers.get('location')).toBe(`/content/${content}/a?b=c`)
    const { browser } = world.person('vera')
    await browser.get(`${world.address}/sales`)
    expect([browser.page.status, browser.page.url.pathname]).toEqual([200, `/content/${content}/`])
    await world.call(key, 'DELETE', `/v1/content/${content}/vanity`)
    await eventually(async () => (await visit()).status === 404)
  })
})

function* chunks(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 1_000_000) yield bytes.subarray(at, at + 1_000_000)
}
