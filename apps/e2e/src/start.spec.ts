import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { availableParallelism, loadavg } from 'node:os'
import path from 'node:path'
import { jest } from '@jest/globals'
import { eventually, freePort } from '#libs/testing'
import { childEnvironment, DIST, House, newData } from './house.js'
import { memoryOf } from './memory.js'
import { print } from './print.js'

jest.setTimeout(120_000)

const READY_MS = 15_000
const RESIDENT_MIB = 700

/** The demo’s facts, as far as they must outlive a restart. */
interface Facts {
  readonly adminApiKey: string
  readonly contentGuid: string
}

describe('npm start', () => {
  const data = newData()
  let house: House | undefined
  let args: readonly string[]

  const start = async (): Promise<House> => (house = await House.start({ data, keep: true, args }))
  const facts = (): Facts => JSON.parse(readFileSync(path.join(data, 'demo.json'), 'utf8')) as Facts

  /** `npm run demo`. */
  async function walk(): Promise<string> {
    const child = spawn(process.execPath, [path.join(DIST, 'demo/src/demo.js'), '--data', data], {
      env: childEnvironment(),
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const [code] = (await once(child, 'close')) as [number | null]
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('All of it works') as string })
    return output
  }

  beforeAll(async () => {
    args = ['--port', String(await freePort())]
  })
  afterAll(async () => {
    await house?.stop()
    await rm(data, { recursive: true, force: true })
  })

  it('makes a new system with its demo world, in which npm run demo walks the journey', async () => {
    const { address } = await start()
    // Who can log in, and what to click, come after the word that it is ready.
    await eventually(() => house!.output.includes('Ctrl-C stops everything'))
    for (const shown of [address, 'vera', `/content/${facts().contentGuid}/`]) expect(house!.output).toContain(shown)
    print(`first start: ${(house!.readyMs / 1000).toFixed(1)} s\n${await walk()}`)
  })

  it(`needs less than ${RESIDENT_MIB} MB for the four services together`, () => {
    const rows = house!.services.map(({ name, pid }) => ({ name, ...memoryOf(pid ?? 0) }))
    const sum = rows.reduce((total, { pss, rss }) => ({ pss: total.pss + pss, rss: total.rss + rss }), {
      pss: 0,
      rss: 0,
    })
    const line = ({ name, pss, rss }: { name: string; pss: number; rss: number }) =>
      `${name.padEnd(14)} PSS ${pss.toFixed(0).padStart(4)} MB   RSS ${rss.toFixed(0).padStart(4)} MB`
    print([...rows, { name: 'together', ...sum }].map(line).join('\n'))
    expect(sum.pss).toBeLessThan(RESIDENT_MIB)
  })

  it('stops cleanly on SIGTERM', async () => {
    expect(await house!.stop()).toBe(0)
    expect(house!.output).toContain('the data is kept')
    expect(existsSync(path.join(data, 'running.json'))).toBe(false)
    expect(existsSync(path.join(data, 'postgres/postmaster.pid'))).toBe(false)
  })

  it(`is ready again within ${READY_MS / 1000} s, with the data of before`, async () => {
    const before = facts()
    await start()
    const crowd = Math.max(1, (loadavg()[0] ?? 0) / availableParallelism())
    print(
      `cold start of an initialised system: ${(house!.readyMs / 1000).toFixed(1)} s, load ${crowd.toFixed(1)} per core`,
    )
    // Meant for a machine that does nothing else: where many wait for a processor, each gets its share of it.
    expect(house!.readyMs).toBeLessThan(READY_MS * crowd)
    expect(facts()).toEqual(before)
    const headers = { authorization: `Key ${before.adminApiKey}` }
    const content = await fetch(`${house!.address}/__api__/v1/content/${before.contentGuid}`, { headers })
    expect(await content.json()).toMatchObject({ guid: before.contentGuid, name: 'demo-app' })
    await walk()
  })
})
