import type { Actor } from '#libs/contracts'
import { CONTENT, newHouse, type House } from '../house.fixture.js'

interface Tag {
  id: string
  name: string
  parent_id: string | null
}

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

const TAGS = '/__api__/v1/tags'
let names = 0
const add = async (parent?: Tag, name = `tag ${++names}`): Promise<Tag> => {
  const answer = await house.post(TAGS, alice, { name, ...(parent && { parent_id: parent.id }) })
  if (answer.status !== 200) throw new Error(answer.text)
  return answer.json<Tag>()
}
const list = async (query = '') => (await house.get(TAGS + query, vera)).json<Tag[]>()
const ofContent = async (guid: string, actor = priya) =>
  (await house.get(`${CONTENT}/${guid}/tags`, actor)).json<Tag[]>()
const give = (guid: string, tag: Tag, actor = priya) => house.post(`${CONTENT}/${guid}/tags`, actor, { tag_id: tag.id })
const take = (guid: string, tag: Tag, actor = priya) => house.delete(`${CONTENT}/${guid}/tags/${tag.id}`, actor)
const ids = (...tags: Tag[]) => tags.map(({ id }) => id)

/** root → a → c → d, root → b */
async function tree() {
  const root = await add()
  const [a, b] = [await add(root), await add(root)]
  const c = await add(a)
  return { root, a, b, c, d: await add(c) }
}

describe('tags', () => {
  it('are a tree with ids of digits, shown alike everywhere', async () => {
    const root = await add()
    const child = await add(root)
    expect(child).toEqual({
      id: expect.stringMatching(/^\d+$/) as string,
      name: child.name,
      parent_id: root.id,
      created_time: expect.stringMatching(/Z$/) as string,
      updated_time: expect.stringMatching(/Z$/) as string,
    })
    expect((await house.get(`${TAGS}/${child.id}`, vera)).json()).toEqual(child)
    expect(await list(`?parent_id=${root.id}`)).toEqual([child])
    expect(await list(`?name=${encodeURIComponent(root.name)}`)).toEqual([root])
    expect(await list(`?name=${encodeURIComponent(root.name)}&parent_id=${root.id}`)).toEqual([])
    expect(await list('?parent_id=x')).toEqual([])
    expect(ids(...(await list()))).toEqual(expect.arrayContaining(ids(root, child)))
  })

  it('are renamed, moved and removed with all under them', async () => {
    const { root, a, b, c, d } = await tree()
    expect((await house.patch(`${TAGS}/${d.id}`, alice, { name: ' new name ' })).json()).toMatchObject({
      name: 'new name',
      parent_id: c.id,
    })
    expect((await house.patch(`${TAGS}/${d.id}`, alice, { parent_id: b.id })).json()).toMatchObject({ parent_id: b.id })
    expect((await house.patch(`${TAGS}/${c.id}`, alice, { parent_id: null })).json()).toMatchObject({ parent_id: null })
    expect((await house.delete(`${TAGS}/${root.id}`, alice)).status).toBe(204)
    for (const tag of [root, a, b, d]) expect((await house.get(`${TAGS}/${tag.id}`, vera)).status).toBe(404)
    expect((await house.get(`${TAGS}/${c.id}`, vera)).status).toBe(200)
    expect((await house.delete(`${TAGS}/${root.id}`, alice)).json()).toMatchObject({ code: 4 })
  })

  it('are refused with the numbers of the contract', async () => {
    const { root, a, b, d } = await tree()
    const post = async (body: unknown) => (await house.post(TAGS, alice, body)).json().code
    const patch = async (tag: Tag, body: unknown) => (await house.patch(`${TAGS}/${tag.id}`, alice, body)).json().code
    expect(await post({ name: 'x'.repeat(256) })).toBe(77)
    expect(await post({ name: '  ' })).toBe(78)
    expect(await post({})).toBe(78)
    expect(await post({ name: 1 })).toBe(78)
    expect(await post({ name: a.name.toUpperCase(), parent_id: root.id })).toBe(81)
    expect(await post({ name: 'x', parent_id: '0' })).toBe(157)
    expect(await post({ name: 'x', parent_id: 'canary' })).toBe(157)
    expect(await patch(b, { name: a.name })).toBe(81)
    expect(await patch(a, { parent_id: d.id })).toBe(88)
    expect(await patch(a, { parent_id: a.id })).toBe(88)
    expect(await patch(a, { parent_id: '0' })).toBe(157)
    expect(await patch(a, { name: null })).toBe(78)
    for (const id of ['0', 'x', '1e3', '99999999999999999999', '-1']) {
      expect((await house.get(`${TAGS}/${id}`, vera)).json()).toMatchObject({ code: 4 })
    }
  })

  it('H14 of one name are one, however many are added at once', async () => {
    const root = await add()
    const add10 = Array.from({ length: 10 }, () => house.post(TAGS, alice, { name: 'same', parent_id: root.id }))
    const statuses = (await Promise.all(add10)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(statuses.filter((status) => status === 400)).toHaveLength(9)
  })

  it('are added once however often the same idempotency key comes', async () => {
    const key = { 'idempotency-key': 'tag' }
    const first = (await house.post(TAGS, alice, { name: 'repeated' }, key)).json()
    expect((await house.post(TAGS, alice, { name: 'repeated' }, key)).json()).toEqual(first)
    expect((await house.post(TAGS, alice, { name: 'other' }, key)).status).toBe(409)
  })

  it('are kept by administrators and read by everybody', async () => {
    const tag = await add()
    for (const actor of [priya, vera]) {
      expect((await house.post(TAGS, actor, { name: 'x' })).json()).toMatchObject({ code: 22 })
      expect((await house.patch(`${TAGS}/${tag.id}`, actor, { name: 'x' })).json()).toMatchObject({ code: 22 })
      expect((await house.delete(`${TAGS}/${tag.id}`, actor)).json()).toMatchObject({ code: 22 })
      expect((await house.get(`${TAGS}/${tag.id}`, actor)).status).toBe(200)
    }
  })
})

describe('the tags of content', () => {
  it('come with those above them, and go with those under them; a category is none', async () => {
    const { root, a, b, c, d } = await tree()
    const guid = await house.newContent(priya)
    expect(await ofContent(guid)).toEqual([])
    expect((await give(guid, d)).json<Tag[]>().map(({ id }) => id)).toEqual(ids(a, c, d))
    await give(guid, b)
    expect(ids(...(await ofContent(guid)))).toEqual(ids(a, b, c, d))
    expect((await take(guid, b)).status).toBe(204)
    expect((await take(guid, c)).status).toBe(204)
    expect(ids(...(await ofContent(guid)))).toEqual(ids(a))
    await give(guid, d)
    expect((await take(guid, root)).status).toBe(204)
    expect(await ofContent(guid)).toEqual([])
    expect((await give(guid, root)).json()).toMatchObject({ code: 79 })
    expect((await give(guid, { ...a, id: '0' })).json()).toMatchObject({ code: 158 })
    expect((await house.post(`${CONTENT}/${guid}/tags`, priya, {})).json()).toMatchObject({ code: 158 })
    expect((await take(guid, { ...a, id: '0' })).json()).toMatchObject({ code: 4 })
  })

  it('are included where they are asked for and there are some', async () => {
    const { a, c } = await tree()
    const [guid, other] = [await house.newContent(paul), await house.newContent(paul)]
    await give(guid, c, paul)
    const tags = await ofContent(guid, paul)
    expect(ids(...tags)).toEqual(ids(a, c))
    const owner = (paul as { user: string }).user
    const listed = (await house.get(`${CONTENT}?owner_guid=${owner}&include=owner,tags,vanity_url`, paul)).json<
      object[]
    >()
    expect(listed).toMatchObject([{ guid, tags }, { guid: other }])
    expect(listed[1]).not.toHaveProperty('tags')
    expect(listed[0]).not.toHaveProperty('vanity_url')
    expect((await house.get(`${CONTENT}/${guid}`, paul)).json()).not.toHaveProperty('tags')
  })

  it('lead to the content that the caller may see', async () => {
    const { a, b, c } = await tree()
    const [hidden, open] = [await house.newContent(priya), await house.newContent(priya, { access_type: 'logged_in' })]
    await give(hidden, c)
    await give(open, a)
    const tagged = async (tag: Tag, actor: Actor) =>
      (await house.get(`${TAGS}/${tag.id}/content`, actor)).json<{ guid: string }[]>().map(({ guid }) => guid)
    expect(await tagged(a, priya)).toEqual([hidden, open])
    expect(await tagged(c, priya)).toEqual([hidden])
    expect(await tagged(b, priya)).toEqual([])
    expect(await tagged(a, vera)).toEqual([open])
    expect(await tagged(a, alice)).toEqual([hidden, open])
    expect((await house.get(`${TAGS}/${a.id}/content`, priya)).json()).toEqual([
      (await house.get(`${CONTENT}/${hidden}`, priya)).json(),
      (await house.get(`${CONTENT}/${open}`, priya)).json(),
    ])
    expect((await house.get(`${TAGS}/0/content`, priya)).json()).toMatchObject({ code: 4 })
    // Written as it is read: there may be a hundred thousand.
    expect((await house.get(`${TAGS}/${a.id}/content`, priya)).headers).not.toHaveProperty('content-length')
  })

  it('are gone when the tag is removed, and when the content is', async () => {
    const { root, d } = await tree()
    const guid = await house.newContent(priya)
    await give(guid, d)
    await house.delete(`${TAGS}/${root.id}`, alice)
    expect(await ofContent(guid)).toEqual([])
    const other = await tree()
    await give(guid, other.d)
    await house.delete(`${CONTENT}/${guid}`, priya)
    expect((await house.get(`${TAGS}/${other.d.id}/content`, priya)).json()).toEqual([])
  })

  it('are given by those who may edit and seen by those who may see', async () => {
    const { a } = await tree()
    const [guid, hidden] = [await house.newContent(priya, { access_type: 'logged_in' }), await house.newContent(priya)]
    expect((await give(guid, a, paul)).json()).toMatchObject({ code: 22 })
    expect((await take(guid, a, paul)).json()).toMatchObject({ code: 22 })
    expect((await give(hidden, a, paul)).json()).toMatchObject({ code: 4 })
    expect((await house.get(`${CONTENT}/${hidden}/tags`, vera)).json()).toMatchObject({ code: 4 })
    expect(await ofContent(guid, vera)).toEqual([])
  })
})
