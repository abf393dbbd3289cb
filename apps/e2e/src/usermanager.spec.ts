import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { userInfo } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { jest } from '@jest/globals'
import { eventually } from '#libs/testing'
import type { UnexpectedAnswer } from '../../demo/src/api.js'
import { childEnvironment, DIST, ROOT } from './house.js'
import { World } from './world.js'

jest.setTimeout(120_000)

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly notes: string
}

describe('usermanager', () => {
  let world: World

  beforeAll(async () => {
    world = await World.start()
    // Alice is the first one, and so administrator.
    for (const username of ['alice', 'priya', 'victor', 'vera']) await world.person(username).logIn()
  })
  afterAll(() => world?.stop())

  /** As a process, without a terminal. */
  async function run(...args: string[]): Promise<Ran> {
    const child = spawn(process.execPath, [path.join(DIST, 'cli/src/main.js'), 'usermanager', ...args], {
      env: { ...childEnvironment(), SUDO_USER: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [out, notes, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ])
    return { code, out, notes }
  }
  const usermanager = (...args: string[]) => run(...args, '--data', world.house.data)

  interface Listed {
    readonly guid: string
    readonly username: string
    readonly user_role: string
  }
  const users = async (): Promise<Map<string, Listed>> => {
    const { out } = await usermanager('list', '--include-locked', '--json')
    return new Map((JSON.parse(out) as Listed[]).map((user) => [user.username, user]))
  }

  it('CLI-01 CLI-07 lists and changes the users of the running system, and the change is in the audit log', async () => {
    expect([...(await users()).keys()]).toEqual(['alice', 'priya', 'victor', 'vera'])
    const altered = await usermanager('alter', '-username', 'vera', '-new-role', 'publisher')
    expect(altered).toMatchObject({ code: 0, out: expect.stringContaining('role viewer → publisher'), notes: '' })
    await eventually(async () => {
      const { out } = await usermanager('audit', '--csv')
      return out.split('\r\n').some((line) => line.includes(userInfo().username) && line.includes('edit_user_role'))
    })
  })

  it('keeps the last administrator, and asks before --force where nobody can answer', async () => {
    const refused = await usermanager('alter', '--username', 'alice', '--role', 'viewer')
    expect(refused).toMatchObject({ code: 1, out: '', notes: expect.stringContaining('no administrator') })
    const forced = await usermanager('alter', '--username', 'alice', '--role', 'viewer', '--force')
    expect(forced).toMatchObject({ code: 1, notes: expect.stringContaining('add --yes') })
    expect((await users()).get('alice')!.user_role).toBe('administrator')
  })

  it('gives what somebody has to another, and deletes them only then', async () => {
    const [priya, victor] = [world.person('priya'), world.person('victor')]
    for (const { username } of [priya, victor]) {
      expect(await usermanager('alter', '--username', username, '--new-role', 'publisher')).toMatchObject({ code: 0 })
    }
    const make = () => priya.api<{ guid: string }>('POST', '/v1/content', { name: 'usermanager-sales' })
    const { guid } = await eventually(make)
    const refused = await usermanager('delete', '--username', 'priya', '--yes')
    expect(refused).toMatchObject({ code: 1, notes: expect.stringContaining('owns content (1)') })

    const transferred = await usermanager('transfer', '--source-username', 'priya', '--target-username', 'victor', '-y')
    expect(transferred).toMatchObject({ code: 0, out: expect.stringContaining(guid) })
    const { owner_guid: owner } = await victor.api<{ owner_guid: string }>('GET', `/v1/content/${guid}`)
    expect(owner).toBe((await users()).get('victor')!.guid)

    expect(await usermanager('delete', '--username', 'priya', '--yes')).toMatchObject({ code: 0 })
    expect((await users()).has('priya')).toBe(false)
    const isOut = () =>
      priya.api('GET', '/v1/user').then(
        () => false,
        ({ status }: UnexpectedAnswer) => status === 401,
      )
    await eventually(isOut)
  })

  it('CLI-03 CLI-06 GRP-17 puts groups in order', async () => {
    const alice = world.person('alice')
    await alice.api('POST', '/v1/groups', { name: 'Old team' })
    expect(await usermanager('--groups', '--normalize-ids')).toMatchObject({
      code: 0,
      out: expect.stringContaining('Nothing to change.'),
    })
    expect((await usermanager('delete', '--groups', '--group-name', 'Old team', '-yes')).code).toBe(0)
    expect((await usermanager('list', '--groups')).out).not.toContain('Old team')
  })

  it('says what is missing where nothing runs, and what it takes', async () => {
    const nowhere = await run('list', '--data', path.join(world.house.data, 'nowhere'))
    expect(nowhere).toMatchObject({ code: 1, out: '', notes: expect.stringContaining('npm start') })
    const child = spawn(path.join(ROOT, 'scripts/usermanager.mjs'), ['--help'], {
      env: childEnvironment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    expect(await text(child.stdout)).toContain('Usage: keybearer usermanager')
  })
})
