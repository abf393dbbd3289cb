import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ReplicaPools } from '#libs/service'
import { Street } from '../door/street.conformance.js'
import { docsFolder } from './docs.js'
import { Ping } from './ping.js'

describe('the gateway’s own pages', () => {
  const street = new Street()
  beforeAll(() => street.open())
  afterAll(() => street.close())

  it('greet a newcomer and show what is open to everybody', async () => {
    const open = await street.content({ access_type: 'all', name: 'open <b>' })
    const closed = await street.content({ name: 'closed' })
    const { status, headers, text } = await street.get('/')
    expect(status).toBe(200)
    expect(text).toContain('/__login__?return_to=%2F')
    expect(text).toContain(`href="/content/${open.guid}/"`)
    expect(text).toContain('open &#60;b&#62;')
    expect(text).not.toContain(closed.guid)
    expect(headers['content-security-policy']).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
    const style = /<style>([^]*)<\/style>/.exec(text)![1]!
    const hash = createHash('sha256').update(style).digest('base64')
    expect(headers['content-security-policy']).toContain(`style-src 'sha256-${hash}'`)
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['referrer-policy']).toBe('same-origin')
  })

  it('know who is logged in and what they may open', async () => {
    const { user, header } = await street.login({ first_name: '<script>' })
    const closed = await street.content({ name: 'for people' })
    const own = await street.content({ access_type: 'acl', owner_guid: user.guid, name: 'own' })
    const foreign = await street.content({ access_type: 'acl', name: 'foreign' })
    const { text } = await street.get('/', { cookie: header })
    expect(text).toContain('&#60;script&#62;')
    expect(text).toContain(user.username)
    expect(text).toContain(closed.guid)
    expect(text).toContain(own.guid)
    expect(text).not.toContain(foreign.guid)
    expect(text).toContain('/__logout__')
  })

  it('answer a ping with 200 only when every service is ready', async () => {
    const answer = await street.get('/__ping__')
    // The recorders answer everything but what is internal with 200.
    expect(answer).toMatchObject({ status: 200, text: '{}' })
    expect(answer.headers['content-type']).toBe('application/json')
  })

  it('show the documentation of the API once it has been generated', async () => {
    const { status, text } = await street.get('/__docs__')
    expect(status).toBe(existsSync(join(docsFolder(), 'openapi.json')) ? 200 : 404)
    if (status !== 200) return
    expect(text).toContain('/__docs__/swagger-ui-bundle.js')
    const assets = await Promise.all(
      ['openapi.json', 'start.js', 'swagger-ui.css', 'swagger-ui-bundle.js'].map((name) =>
        street.get(`/__docs__/${name}`),
      ),
    )
    expect(assets.map((asset) => asset.status)).toEqual([200, 200, 200, 200])
    expect(assets[0]!.headers['content-security-policy']).toContain("script-src 'self'")
    expect((await street.get('/__docs__/package.json')).status).toBe(404)
    expect((await street.get('/__docs__/..%2fREADME.md')).status).toBe(404)
  })

  it('find the documents from any depth', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'docs-'))
    await writeFile(join(folder, 'package.json'), '{}')
    expect(docsFolder(join(folder, 'dist', 'apps'))).toBe(join(folder, 'docs'))
    await rm(folder, { recursive: true })
  })
})

describe('the gateway', () => {
  it('is ready once it has read everything, whether or not other services are still heard of', async () => {
    const street = new Street()
    try {
      await street.open({ hears: false })
      const ready = () => street.isReady()
      expect(await ready()).toBe(false)
      expect(await street.get('/__ping__')).toMatchObject({
        status: 503,
        text: expect.stringContaining('gateway') as string,
      })
      street.refresh()
      expect(await ready()).toBe(true)
      street.silence()
      expect(street.replicas.isFresh('identity')).toBe(false)
      expect(await ready()).toBe(true)
    } finally {
      await street.close()
    }
  })
})

describe('a ping', () => {
  const pools = (statuses: Record<string, (number | Error)[]>) => {
    let asked = 0
    const pool = (status: number | Error) => ({
      request: () => {
        asked += 1
        if (status instanceof Error) return Promise.reject(status)
        return Promise.resolve({ statusCode: status, body: { dump: () => Promise.resolve() } })
      },
    })
    return {
      pools: { pools: (service: string) => (statuses[service] ?? [200]).map(pool) } as unknown as ReplicaPools,
      asked: () => asked,
    }
  }

  it('names who is not ready; one replica of a service is enough', async () => {
    const down = pools({
      vault: [new Error('refused'), 200],
      identity: [503, 503],
      integrations: [new Error('refused')],
    })
    expect(await new Ping(down.pools, () => false).notReady()).toEqual(['gateway', 'identity', 'integrations'])
  })

  it('asks once a second, however often it is sent', async () => {
    let now = 0
    const { pools: each, asked } = pools({})
    const ping = new Ping(
      each,
      () => true,
      () => now,
    )
    await Promise.all([ping.notReady(), ping.notReady()])
    await ping.notReady()
    expect(asked()).toBe(3)
    now = 1_000
    expect(await ping.notReady()).toEqual([])
    expect(asked()).toBe(6)
  })
})
