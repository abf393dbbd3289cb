import { jest } from '@jest/globals'
import { ACTS } from './acts.js'
import { Cast, COLUMNS, type Column } from './cast.js'
import { OPERATIONS } from './document.js'
import { readMatrix } from './role-matrix.js'

jest.setTimeout(180_000)

const PREFIX = '/data/keybearer'

/** Members that are absolute addresses of this server. */
const ADDRESSES = ['content_url', 'dashboard_url', 'first', 'last', 'next', 'url', 'vanity_url']

/** Of each operation, somebody for whom it does what it is for; the administrator where it is always refused. */
const ASKED = [...readMatrix()].map(([name, row]) => {
  const served = (['owner', 'content-key', 'administrator'] as const).find((column) => row[column].startsWith('2'))
  const column: Column = served ?? 'administrator'
  return [name, column, row[column]] as const
})

describe('a server whose address has a path', () => {
  const seen = new Set<string>()
  let cast: Cast

  beforeAll(async () => {
    cast = await Cast.start({ prefix: PREFIX })
  })
  afterAll(() => cast?.stop())

  it('has every operation of the contract asked, by somebody whom it serves', () => {
    expect(ASKED.map(([name]) => name).sort()).toEqual(OPERATIONS.map(({ name }) => name).sort())
    expect(new Set(ASKED.map(([, column]) => column)).size).toBeLessThan(COLUMNS.length)
  })

  it.each(ASKED)('answers below it, and nowhere else: %s, asked by %s, is %s', async (name, column, expected) => {
    const method = name.split(' ')[0]!
    const act = await ACTS[name]!(cast)
    const asked = { ...act, method, key: cast.keys[column] }
    const { origin } = new URL(cast.world.address)

    const outside = await fetch(`${origin}/__api__${act.path}`, {
      method,
      headers: { authorization: `Key ${cast.keys[column]}` },
    })
    expect([outside.status, await outside.text()]).toEqual([404, '404 page not found'])
    expect(outside.headers.get('content-type')).toMatch(/^text\/plain/)

    const { status, code, json } = await cast.api.unhurried(asked)
    expect(code === undefined ? `${status}` : `${status}/${code}`).toBe(expected)
    for (const [member, text] of textsOf(json)) {
      if (!text.startsWith(origin)) continue
      expect([member, text]).toEqual([member, expect.stringContaining(`${origin}${PREFIX}/`)])
      seen.add(member)
    }
  })

  it('has shown its whole address wherever it shows one', () => {
    expect([...seen].sort()).toEqual(ADDRESSES)
  })

  it('leads visitors of content through their login below it, and has no cookies outside', async () => {
    const person = cast.world.person('guest-907')
    await person.open(cast.bound.content)
    const own = person.browser.history.filter(({ url }) => url.origin === new URL(cast.world.address).origin)
    expect(own.length).toBeGreaterThan(2)
    expect(own.filter(({ url }) => !url.pathname.startsWith(`${PREFIX}/`))).toEqual([])
    const cookies = own.flatMap(({ headers }) => headers['set-cookie'] ?? [])
    expect(cookies.length).toBeGreaterThan(0)
    expect(cookies.filter((cookie) => !cookie.includes(`; Path=${PREFIX}`))).toEqual([])
  })
})

/** Every text in an answer, with the name of its member. */
function* textsOf(value: unknown, name = ''): Generator<readonly [member: string, text: string]> {
  if (typeof value === 'string') yield [name, value]
  else if (Array.isArray(value)) for (const each of value) yield* textsOf(each, name)
  else if (typeof value === 'object' && value !== null) {
    for (const [member, each] of Object.entries(value)) yield* textsOf(each, member)
  }
}
