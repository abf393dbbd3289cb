import type { Actor } from '#libs/contracts'
import { CONTENT, newHouse, type House } from '../house.fixture.js'

let house: House
let priya: Actor
let paul: Actor

beforeAll(async () => {
  house = await newHouse()
  priya = await house.person('publisher')
  paul = await house.person('publisher')
})
afterAll(() => house?.close())

const at = (guid: string) => `${CONTENT}/${guid}/repository`
const put = (guid: string, body: unknown, actor = priya) =>
  house.service.request({ method: 'PUT', path: at(guid), actor, body })
const sales = {
  repository: 'https://git.example/sales.git',
  branch: '1dacc4dd',
  directory: 'apps/sales',
  polling: false,
}

describe('the git repository of content', () => {
  it('is none, is said, changed and forgotten', async () => {
    const guid = await house.newContent(priya)
    expect((await house.get(at(guid), priya)).json()).toMatchObject({ code: 4 })
    expect((await house.patch(at(guid), priya, { branch: 'main' })).json()).toMatchObject({ code: 4 })
    const answer = await put(guid, sales)
    expect([answer.status, answer.json()]).toEqual([200, { ...sales, last_error: null, last_known_commit: null }])
    expect((await house.get(at(guid), priya)).json()).toEqual(answer.json())
    expect((await house.patch(at(guid), priya, { branch: 'main', polling: true })).json()).toMatchObject({
      ...sales,
      branch: 'main',
      polling: true,
    })
    expect((await put(guid, { repository: sales.repository })).json()).toMatchObject({
      branch: 'main',
      directory: '.',
      polling: true,
    })
    expect((await house.delete(at(guid), priya)).status).toBe(204)
    expect((await house.get(at(guid), priya)).json()).toMatchObject({ code: 4 })
  })

  it.each<[object]>([
    [{}],
    [{ repository: 'https://canary:secret@git.example/x' }],
    [{ repository: 'https://git.example/x?token=canary' }],
    [{ repository: 'https://git.example/x#canary' }],
    [{ repository: 'ssh://git.example/x' }],
    [{ repository: 'git@git.example:x' }],
    [{ repository: 'file:///etc/passwd' }],
    [{ repository: 1 }],
    [{ repository: `https://git.example/${'x'.repeat(2100)}` }],
    [{ ...sales, branch: '' }],
    [{ ...sales, branch: 1 }],
    [{ ...sales, directory: null }],
    [{ ...sales, polling: 'yes' }],
  ])('is refused: %j', async (body) => {
    const guid = await house.newContent(priya)
    const answer = await put(guid, body)
    expect([answer.status, answer.json().code]).toEqual([400, 25])
    expect(answer.text).not.toContain('canary')
  })

  it('is for those who may edit the content, and goes with it', async () => {
    const guid = await house.newContent(priya, { access_type: 'logged_in' })
    await put(guid, sales)
    expect((await house.get(at(guid), paul)).json()).toMatchObject({ code: 22 })
    expect((await put(guid, sales, paul)).json()).toMatchObject({ code: 22 })
    expect((await house.delete(at(guid), paul)).json()).toMatchObject({ code: 22 })
    await house.delete(`${CONTENT}/${guid}`, priya)
    expect((await house.get(at(guid), priya)).json()).toMatchObject({ code: 4 })
  })
})
