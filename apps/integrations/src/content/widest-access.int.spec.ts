import type { Actor } from '#libs/contracts'
import { SETTINGS_TEXT } from '#libs/testing'
import { CONTENT, newHouse, type House } from '../house.fixture.js'

let house: House
let alice: Actor
let priya: Actor

beforeAll(async () => {
  house = await newHouse(
    `${SETTINGS_TEXT}\n[Applications]\nMostPermissiveAccessType = acl\nAdminMostPermissiveAccessType = logged_in\n`,
  )
  alice = await house.person('administrator')
  priya = await house.person('publisher')
})
afterAll(() => house?.close())

const PROHIBITED = { status: 403, code: 118 }

describe('content on a server that limits access', () => {
  const told = async (answer: Promise<{ status: number; json(): Record<string, unknown> }>) => {
    const { status, json } = await answer
    return status < 300 ? { status } : { status, code: json()['code'] }
  }
  const make = (actor: Actor, access_type?: string) => told(house.post(CONTENT, actor, { access_type }))
  const open = (guid: string, actor: Actor, access_type: string) =>
    told(house.service.request({ method: 'PATCH', path: `${CONTENT}/${guid}`, actor, body: { access_type } }))

  it('is registered no wider than its owner’s role permits', async () => {
    expect([await make(priya), await make(priya, 'acl')]).toEqual([{ status: 200 }, { status: 200 }])
    expect([await make(priya, 'logged_in'), await make(priya, 'all')]).toEqual([PROHIBITED, PROHIBITED])
    expect([await make(alice, 'logged_in'), await make(alice, 'all')]).toEqual([{ status: 200 }, PROHIBITED])
  })

  it('is opened by an administrator where the publisher may not, and stays so whatever else its owner changes', async () => {
    const guid = await house.newContent(priya)
    expect(await open(guid, priya, 'logged_in')).toEqual(PROHIBITED)
    expect([await open(guid, alice, 'all'), await open(guid, alice, 'logged_in')]).toEqual([
      PROHIBITED,
      { status: 200 },
    ])
    expect(await open(guid, priya, 'logged_in')).toEqual({ status: 200 })
    expect([await open(guid, priya, 'acl'), await open(guid, priya, 'logged_in')]).toEqual([
      { status: 200 },
      PROHIBITED,
    ])
  })

  it('has no share links, which let in people who do not log in', async () => {
    const guid = await house.newContent(priya)
    for (const actor of [priya, alice]) {
      expect(await told(house.post(`${CONTENT}/${guid}/share-links`, actor, {}))).toEqual(PROHIBITED)
    }
  })
})
