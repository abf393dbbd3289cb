import { randomUUID } from 'node:crypto'
import { jest } from '@jest/globals'
import { Logger } from '@nestjs/common'
import type { Actor } from '#libs/contracts'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import { Groups } from './groups.js'
import { GroupsUnderTest } from './groups-under-test.conformance.js'
import { NormalizeGroups } from './normalize-groups.js'

const operator: Actor = { type: 'operator', name: 'root' }
const context = () => ({ actor: operator, commandId: randomUUID() })

let database: FreshDatabase
beforeEach(async () => {
  database = await freshDatabase('identity')
})
afterEach(() => database.drop())

/** Starts identity with these settings on what is stored, and stops it. */
async function started<T>(oauth2: string, use: (house: GroupsUnderTest) => Promise<T>, sections = ''): Promise<T> {
  const house = await GroupsUnderTest.open(oauth2, { database, sections })
  try {
    return await use(house)
  } finally {
    await house.close()
  }
}

/** What is warned of at a start. */
async function warnings(oauth2: string, sections = ''): Promise<string[]> {
  const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined)
  await started(oauth2, () => Promise.resolve(), sections)
  const { calls } = warn.mock
  warn.mockRestore()
  return calls.map(([message]) => String(message)).filter((message) => message.includes('The group'))
}

describe('what does not fit at the start', () => {
  it('GRP-21 GRP-22 CFG-46 is an owner with auto-provisioning, and none without: a warning a group', async () => {
    await started('', (house) => house.make('by hand'))
    await started('GroupsAutoProvision = true', (house) => house.login('vera', ['by login', 'by login too']))

    const on = await warnings('GroupsAutoProvision = true')
    expect(on).toEqual([expect.stringMatching(/^The group "by hand" has an owner, .* --drop-owner/)])
    const off = await warnings('')
    expect(off).toHaveLength(2)
    expect(off[0]).toMatch(/^The group "by login" has no owner, .* --new-owner/)
    expect(off[1]).toMatch(/^The group "by login too"/)
    expect(await warnings('GroupsClaim = ""', '[Authorization]\nUserGroups = false')).toEqual([])
  })

  it('is an owner who was deleted', async () => {
    await started('', async (house) => {
      await house.make('of nobody')
      await house.pool.query('delete from person')
    })
    expect(await warnings('')).toEqual([expect.stringMatching(/^The group "of nobody" has an owner who was deleted/)])
  })

  it('GRP-20 GRP-22 is nothing once owners are set and dropped by the operator', async () => {
    await started('GroupsAutoProvision = true', async (house) => {
      const groups = house.service.app.get(Groups)
      await house.login('first')
      const olga = await house.publisher('olga')
      const byHand = await house.make('by hand')
      await house.login('vera', ['by login'])
      await groups.change(byHand, { ownerGuid: null }, 'operator', context())
      expect((await house.page()).results.map(({ owner_guid }) => owner_guid)).toEqual([null, null])
      expect(await warnings('GroupsAutoProvision = true')).toEqual([])
      for (const guid of (await house.all()).values()) {
        await groups.change(guid, { ownerGuid: olga }, 'operator', context())
      }
      expect((await house.page()).results.map(({ owner_guid }) => owner_guid)).toEqual([olga, olga])
      const { rows } = await house.pool.query<{ meta: string }>(
        `select meta from event where type = 'GroupOwnerChanged'`,
      )
      expect(rows.map(({ meta }) => (JSON.parse(meta) as { actor: Actor }).actor)).toEqual(Array(3).fill(operator))
    })
    expect(await warnings('')).toEqual([])
  })

  it('GRP-39 is a group without unique ID when groups are matched by it', async () => {
    await started('', (house) => house.make('old'))
    await started('GroupsByUniqueId = true', (house) => house.make('new', 'new-id'))
    expect(await warnings('GroupsByUniqueId = true')).toEqual([
      expect.stringMatching(/^The group "old" has no unique ID, .*usermanager alter --groups --normalize-ids/),
    ])
  })
})

describe('normalizing', () => {
  const names = (groups: readonly { name: string }[]) => groups.map(({ name }) => name)

  it('GRP-40 CLI-06 gives unique IDs once groups are matched by them, and changes nothing the second time', async () => {
    await started('', async (house) => {
      await house.make('analysts')
      await house.make('scientists')
    })
    await started('GroupsByUniqueId = true', async (house) => {
      const normalize = house.service.app.get(NormalizeGroups)
      const login = async () => house.groupsOf(await house.login('vera', ['analysts']))
      await house.make('Analysts of Asia', 'analysts')
      expect(await login()).toEqual(['Analysts of Asia'])
      await house.remove(`/${(await house.all()).get('Analysts of Asia')}`)
      await house.make('Scientists of Asia', 'scientists')
      expect(await login()).toEqual([])

      const plan = await normalize.run(context(), { dryRun: true })
      expect([plan.byUniqueId, names(plan.changed)]).toEqual([true, ['analysts']])
      expect(await login()).toEqual([])

      const done = await normalize.run(context(), { dryRun: false })
      expect(done).toEqual(plan)
      expect(done.attention.map(({ name, uniqueId }) => [name, uniqueId])).toEqual([
        ['analysts', 'analysts'],
        ['scientists', null],
      ])
      expect(await login()).toEqual(['analysts'])

      const count = async () => (await house.pool.query('select from event')).rowCount
      const before = await count()
      expect((await normalize.run(context(), { dryRun: false })).changed).toEqual([])
      expect(await count()).toBe(before)
    })
  })

  it('GRP-40 CLI-06 takes them away once groups are matched by name, and names become unique', async () => {
    await started('GroupsByUniqueId = true', async (house) => {
      await house.make('twins', 'one')
      await house.make('twins', 'two')
      await house.make('single', 'three')
    })
    await started('', async (house) => {
      const normalize = house.service.app.get(NormalizeGroups)
      const plan = await normalize.run(context(), { dryRun: true })
      expect([plan.byUniqueId, names(plan.changed), names(plan.attention)]).toEqual([
        false,
        ['twins', 'twins', 'single'],
        ['twins'],
      ])
      expect(await normalize.run(context(), { dryRun: false })).toEqual(plan)
      const again = await normalize.run(context(), { dryRun: false })
      expect([names(again.changed), again.attention]).toEqual([[], plan.attention])

      const vera = await house.login('vera', ['twins', 'single', 'one'])
      expect(await house.groupsOf(vera)).toEqual(['single', 'twins'])
      await expect(house.make('single')).rejects.toThrow('There is a group of this name already')
      const [second] = plan.attention
      expect((await house.patch(second!.guid, { name: 'single' })).status).toBe(409)
      expect((await house.patch(second!.guid, { name: 'sister' })).status).toBe(200)
      expect((await normalize.run(context(), { dryRun: true })).attention).toEqual([])
    })
    // The ids are free for others.
    await started('GroupsByUniqueId = true', (house) => house.make('other', 'one'))
  })

  it('leaves no name to two groups, although they were not normalized', async () => {
    await started('GroupsByUniqueId = true', (house) => house.make('single', 'one'))
    await started('', async (house) => {
      await expect(house.make('single')).rejects.toThrow('There is a group of this name already')
    })
  })

  it('GRP-36 a name that was given up while names may occur twice is free afterwards', async () => {
    await started('', (house) => house.make('old'))
    await started('GroupsByUniqueId = true', async (house) => {
      await house.patch((await house.all()).get('old')!, { name: 'new' })
    })
    await started('', async (house) => {
      await house.make('old')
      await expect(house.make('new')).rejects.toThrow('There is a group of this name already')
    })
  })
})
