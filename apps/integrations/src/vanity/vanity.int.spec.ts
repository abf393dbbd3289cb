import type { Actor } from '#libs/contracts'
import { CONTENT, newHouse, type House } from '../house.fixture.js'

let house: House
let alice: Actor
let priya: Actor
let paul: Actor
let vera: Actor

beforeAll(async () => {
  house = await newHouse()
  alice = await house.person('administrator')
  priya = await house.person('publisher')
  paul = await house.person('publisher')
  vera = await house.person('viewer')
})
afterAll(() => house?.close())

const at = (guid: string) => `${CONTENT}/${guid}/vanity`
const put = (guid: string, path: string, actor = priya, more = {}) =>
  house.service.request({ method: 'PUT', path: at(guid), actor, body: { path, ...more } })
const published = async (guid: string) => {
  const answer = await house.service.request({ path: `/internal/published/content/${guid}`, caller: 'gateway' })
  return answer.json<{ revision: number; state: { vanity_path: string | null } }>()
}

describe('the vanity path of content', () => {
  it('is given, shown, published, changed and taken away', async () => {
    const guid = await house.newContent(priya)
    expect((await house.get(at(guid), priya)).json()).toMatchObject({ code: 4 })
    const answer = await put(guid, 'example')
    expect(answer.status).toBe(200)
    const view = answer.json()
    expect(view).toEqual({ path: '/example/', content_guid: guid, created_time: expect.stringMatching(/Z$/) as string })
    expect((await house.get(at(guid), priya)).json()).toEqual(view)
    expect((await house.get('/__api__/v1/vanities', alice)).json()).toEqual([view])
    expect(await published(guid)).toMatchObject({ state: { vanity_path: '/example/' } })
    expect((await house.get(`${CONTENT}/${guid}?include=vanity_url`, priya)).json()).toMatchObject({
      vanity_url: 'http://localhost:3939/example/',
      content_url: `http://localhost:3939/content/${guid}/`,
    })
    expect((await put(guid, '/Example/two')).json()).toMatchObject({ path: '/Example/two/' })
    expect((await house.delete(at(guid), priya)).status).toBe(204)
    expect((await house.get(at(guid), priya)).json()).toMatchObject({ code: 4 })
    expect(await published(guid)).toMatchObject({ state: { vanity_path: null } })
    expect((await house.get(`${CONTENT}/${guid}?include=vanity_url`, priya)).json()).not.toHaveProperty('vanity_url')
  })

  it('is nobody else’s, in whatever case, nor inside of another’s or around it', async () => {
    const [guid, other] = [await house.newContent(priya), await house.newContent(paul)]
    await put(guid, '/team/sales/')
    for (const path of ['/team/sales/', '/TEAM/Sales', 'team', 'team/sales/q1']) {
      const answer = await put(other, path, paul)
      expect([answer.status, answer.json().code]).toEqual([409, 51])
    }
    for (const path of ['team/sales2', 'team/sale', 'team2']) expect((await put(other, path, paul)).status).toBe(200)
    for (const path of ['team/sales/q1', 'Team', '/team/sales/']) {
      expect((await put(guid, path)).status).toBe(200)
    }
  })

  it('is taken by force from what the caller may edit too, and from nothing else', async () => {
    const [guid, mine, pauls] = [
      await house.newContent(priya),
      await house.newContent(priya),
      await house.newContent(paul),
    ]
    await put(mine, 'forced')
    expect((await put(guid, 'forced')).json()).toMatchObject({ code: 51 })
    expect((await put(guid, 'forced', priya, { force: true })).status).toBe(200)
    expect((await house.get(at(mine), priya)).json()).toMatchObject({ code: 4 })
    const stolen = await put(pauls, 'forced', paul, { force: true })
    expect([stolen.status, stolen.json().code]).toEqual([409, 51])
    expect((await house.get(at(guid), priya)).json()).toMatchObject({ path: '/forced/' })
    expect((await put(pauls, 'forced', alice, { force: true })).status).toBe(200)
    expect((await house.get(at(guid), priya)).json()).toMatchObject({ code: 4 })
  })

  it('H14 of one form is one item’s, however many ask at once', async () => {
    const guids = await Promise.all(Array.from({ length: 10 }, () => house.newContent(priya)))
    const paths = ['race', 'race/a', 'RACE', 'race/a/b']
    const answers = await Promise.all(guids.map((guid, index) => put(guid, paths[index % paths.length]!)))
    const held = (await house.get('/__api__/v1/vanities', alice)).json<{ path: string }[]>()
    const won = held.map(({ path }) => path.toLowerCase()).filter((path) => path.startsWith('/race/'))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(won.length)
    for (const one of won) expect(won.filter((path) => path.startsWith(one) || one.startsWith(path))).toEqual([one])
    expect(won.length).toBeGreaterThan(0)
  })

  it('is free again when its content is deleted', async () => {
    const [guid, other] = [await house.newContent(priya), await house.newContent(paul)]
    await put(guid, 'passing')
    await house.delete(`${CONTENT}/${guid}`, priya)
    expect((await put(other, 'passing', paul)).status).toBe(200)
  })

  it.each(['/__api__/', 'content/x', 'connect', '../x', '', 'a b'])('cannot be %j', async (path) => {
    const guid = await house.newContent(priya)
    const answer = await put(guid, path)
    expect([answer.status, answer.json().code]).toEqual([400, 52])
  })

  it('is given by those who may edit, seen by those who may see, and listed for administrators', async () => {
    const [guid, hidden] = [await house.newContent(priya, { access_type: 'logged_in' }), await house.newContent(priya)]
    await put(guid, 'seen')
    expect((await house.get(at(guid), vera)).json()).toMatchObject({ path: '/seen/' })
    expect((await put(guid, 'other', paul)).json()).toMatchObject({ code: 22 })
    expect((await house.delete(at(guid), paul)).json()).toMatchObject({ code: 22 })
    expect((await put(hidden, 'other', paul)).json()).toMatchObject({ code: 4 })
    expect((await house.get('/__api__/v1/vanities', priya)).json()).toMatchObject({ code: 22 })
  })
})
