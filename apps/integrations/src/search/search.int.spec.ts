import type { Actor } from '#libs/contracts'
import { CONTENT, newHouse, type House } from '../house.fixture.js'

interface Page {
  results: { guid: string; name: string }[]
  current_page: number
  total: number
}

let house: House
let alice: Actor
let priya: Actor
let paul: Actor
let vera: Actor
const guids: Record<string, string> = {}

beforeAll(async () => {
  house = await newHouse()
  alice = await house.person('administrator')
  priya = await house.person('publisher')
  paul = await house.person('publisher')
  vera = await house.person('viewer')
  const open = { access_type: 'logged_in' }
  const items: [string, Actor, object][] = [
    ['north', priya, { title: 'Sales of the North', description: 'Quarterly numbers', ...open }],
    ['south', priya, { title: 'Sales of the South' }],
    ['sales.report-2026', paul, { description: 'Größe und Umfang', ...open }],
    ['plans', paul, {}],
  ]
  for (const [name, owner, body] of items) guids[name] = await house.newContent(owner, { name, ...body })
  const root = (await house.post('/__api__/v1/tags', alice, { name: 'Regions' })).json<{ id: string }>()
  const tag = (await house.post('/__api__/v1/tags', alice, { name: 'Far North', parent_id: root.id })).json<{
    id: string
  }>()
  await house.post(`${CONTENT}/${guids['north']}/tags`, priya, { tag_id: tag.id })
  await house.patch(`${CONTENT}/${guids['south']}`, priya, { app_mode: 'shiny', locked: true })
})
afterAll(() => house?.close())

const search = (actor: Actor, query: Record<string, string>) =>
  house.get(`/__api__/v1/search/content?${new URLSearchParams(query).toString()}`, actor)
const names = async (q: string, actor = alice) =>
  (await search(actor, { q })).json<Page>().results.map(({ name }) => name)
const username = (actor: Actor) => `u-${(actor as { user: string }).user.slice(0, 8)}`

describe('a search of content', () => {
  it('is a page of exactly three members, of items as they are elsewhere', async () => {
    const answer = await search(priya, { q: 'north', include: 'owner,tags,vanity_url' })
    const item = await house.get(`${CONTENT}/${guids['north']}?include=owner,tags,vanity_url`, priya)
    expect([answer.status, answer.json()]).toEqual([200, { results: [item.json()], current_page: 1, total: 1 }])
  })

  it.each<[string, string[]]>([
    ['', ['north', 'south', 'sales.report-2026', 'plans']],
    ['sales', ['north', 'south', 'sales.report-2026']],
    ['SALES nor', ['north']],
    ['report', ['sales.report-2026']],
    ['sales.report-2026', ['sales.report-2026']],
    ['2026', ['sales.report-2026']],
    ['quarterly "the north"', ['north']],
    ['größe', ['sales.report-2026']],
    ['sales -south', ['north', 'sales.report-2026']],
    ['ales', []],
    ['tag:"far north"', ['north']],
    ['-tag:"Far North" sales', ['south', 'sales.report-2026']],
    ['tag:Regions', []],
    ['type:shiny', ['south']],
    ['is:locked', ['south']],
    ['is:unlocked sales', ['north', 'sales.report-2026']],
    ["'); drop table content; --", []],
    ['%', ['north', 'south', 'sales.report-2026', 'plans']],
    ['’', []],
  ])('%j finds %j', async (q, found) => {
    expect(await names(q)).toEqual(found)
  })

  it('knows owners by username, and the caller as @me', async () => {
    expect(await names(`owner:${username(priya).toUpperCase()}`)).toEqual(['north', 'south'])
    expect(await names('owner:@me', paul)).toEqual(['sales.report-2026', 'plans'])
    expect(await names(`-owner:${username(priya)} sales`)).toEqual(['sales.report-2026'])
    expect(await names('owner:nobody')).toEqual([])
  })

  it('D04 finds only what the caller may see, in the total too', async () => {
    expect(await names('', vera)).toEqual(['north', 'sales.report-2026'])
    expect(await names('', priya)).toEqual(['north', 'south', 'sales.report-2026'])
    expect((await search(vera, { q: 'south' })).json()).toEqual({ results: [], current_page: 1, total: 0 })
    expect((await search(vera, { page_size: '1' })).json()).toMatchObject({ total: 2 })
  })

  it('comes in pages', async () => {
    const page = async (page_number: string) => (await search(alice, { page_number, page_size: '3' })).json<Page>()
    expect(await page('1')).toMatchObject({ current_page: 1, total: 4, results: [{}, {}, {}] })
    expect(await page('2')).toMatchObject({ current_page: 2, total: 4, results: [{ name: 'plans' }] })
    expect(await page('3')).toEqual({ current_page: 3, total: 4, results: [] })
  })

  it.each<[Record<string, string>, number]>([
    [{ q: 'x'.repeat(1001) }, 25],
    [{ q: 'type:canary' }, 25],
    [{ page_number: '0' }, 25],
    [{ page_number: '1e9' }, 25],
    [{ page_size: '501' }, 25],
    [{ page_size: 'canary' }, 25],
    [{ include: 'canary' }, 161],
  ])('H12 refuses %j', async (query, code) => {
    const answer = await search(alice, query)
    expect([answer.status, answer.json().code]).toEqual([400, code])
    expect(answer.text).not.toContain('canary')
  })

  it('has an index for its words', async () => {
    const client = await house.pool.connect()
    try {
      // Of so few rows all would be read.
      await client.query('set enable_seqscan = off')
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(
        `explain select from content where words @@ to_tsquery('simple', '''word'':* & !''draft'':*')`,
      )
      expect(rows.map((row) => row['QUERY PLAN']).join()).toContain('content_words')
    } finally {
      client.release(true)
    }
  })
})
