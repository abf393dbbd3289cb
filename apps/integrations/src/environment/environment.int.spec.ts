import type { Actor } from '#libs/contracts'
import { CONTENT, newHouse, type House } from '../house.fixture.js'

let house: House
let priya: Actor
let paul: Actor
let vera: Actor

beforeAll(async () => {
  house = await newHouse()
  priya = await house.person('publisher')
  paul = await house.person('publisher')
  vera = await house.person('viewer')
})
afterAll(() => house?.close())

const at = (guid: string) => `${CONTENT}/${guid}/environment`
const send = (method: 'PATCH' | 'PUT', guid: string, body: unknown, actor = priya) =>
  house.service.request({ method, path: at(guid), actor, body })
const variable = (name: string, value: string | null = `canary-${name}`) => ({ name, value })

describe('the environment of content', () => {
  it('is added to, taken from and replaced by names, in order', async () => {
    const guid = await house.newContent(priya)
    expect((await house.get(at(guid), priya)).json()).toEqual([])
    const names = async (method: 'PATCH' | 'PUT', body: unknown) => (await send(method, guid, body)).json()
    expect(await names('PATCH', [variable('ZONE'), variable('API_KEY'), variable('a')])).toEqual([
      'API_KEY',
      'ZONE',
      'a',
    ])
    expect(await names('PATCH', [variable('ZONE', null), variable('API_KEY'), variable('gone', null)])).toEqual([
      'API_KEY',
      'a',
    ])
    expect(await names('PUT', [variable('ONLY'), variable('not', null)])).toEqual(['ONLY'])
    expect(await names('PATCH', [{ name: 'ONLY' }])).toEqual([])
    expect(await names('PUT', [])).toEqual([])
  })

  it('has an end, also when it is added to little by little', async () => {
    const guid = await house.newContent(priya)
    const half = (prefix: string) => Array.from({ length: 501 }, (_, index) => variable(`${prefix}${index}`, 'x'))
    expect((await send('PATCH', guid, half('A'))).status).toBe(200)
    expect((await send('PATCH', guid, half('B'))).json()).toMatchObject({ code: 25 })
    expect((await send('PUT', guid, half('B'))).status).toBe(200)
  })

  it('may have what a restart by a client adds and removes', async () => {
    const guid = await house.newContent(priya)
    const name = '_CONNECT_RESTART_TMP_1f2e'
    expect((await send('PATCH', guid, [variable(name, 'x')])).json()).toEqual([name])
    expect((await send('PATCH', guid, [variable(name, null)])).json()).toEqual([])
  })

  it('E01 has its values nowhere: not in an answer, an event or a row', async () => {
    const guid = await house.newContent(priya)
    const answer = await send('PATCH', guid, [variable('SECRET', 'canary-of-the-environment')])
    expect(answer.text).not.toContain('canary')
    const { rows: tables } = await house.pool.query<{ name: string }>(
      `select schemaname || '.' || tablename as name from pg_tables where schemaname in ('log', 'record', 'model')`,
    )
    for (const { name } of tables) {
      const { rows } = await house.pool.query(
        `select from ${name} as r where r::text like '%canary-of-the-environment%'`,
      )
      expect(rows).toEqual([])
    }
  })

  it.each<[unknown, number, number]>([
    [[variable('A'), variable('A', null)], 409, 149],
    [[variable('')], 400, 25],
    [[variable('A=B')], 400, 25],
    [[variable('A\nB')], 400, 25],
    [[variable('x'.repeat(256))], 400, 25],
    [[{ name: 1, value: 'canary' }], 400, 25],
    [[{ name: 'A', value: 1 }], 400, 25],
    [[{ value: 'canary' }], 400, 25],
    [{}, 400, 25],
  ])('refuses %j', async (body, status, code) => {
    const guid = await house.newContent(priya)
    for (const method of ['PATCH', 'PUT'] as const) {
      const answer = await send(method, guid, body)
      expect([answer.status, answer.json().code]).toEqual([status, code])
      expect(answer.text).not.toContain('canary')
    }
  })

  it('is for those who may edit the content, names too', async () => {
    const guid = await house.newContent(priya, { access_type: 'logged_in' })
    for (const actor of [paul, vera]) {
      expect((await house.get(at(guid), actor)).json()).toMatchObject({ code: 22 })
      expect((await send('PUT', guid, [], actor)).json()).toMatchObject({ code: 22 })
    }
    const hidden = await house.newContent(priya)
    expect((await house.get(at(hidden), paul)).json()).toMatchObject({ code: 4 })
  })
})
