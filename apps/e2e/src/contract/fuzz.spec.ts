import { jest } from '@jest/globals'
import { Cast } from './cast.js'
import { OPERATIONS } from './document.js'
import { fuzz, type Fuzzed, inOrder } from './fuzz.js'

jest.setTimeout(240_000)

/** `npm run prove -- fuzz` sends 10,000. */
const CASES = 25
const AT_ONCE = 8
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)

describe(`every operation, sent what nobody expects (FUZZ_SEED=${SEED})`, () => {
  const fuzzed = new Map<string, Fuzzed>()
  let cast: Cast
  let processes: unknown

  const running = (): unknown => cast.world.house.services.map(({ name, pid }) => [name, pid])

  beforeAll(async () => {
    cast = await Cast.start()
    processes = running()
    const waiting = inOrder(OPERATIONS).values()
    const work = async (): Promise<void> => {
      for (const operation of waiting) {
        fuzzed.set(operation.name, await fuzz(cast, operation, { cases: CASES, seed: SEED }))
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  })
  afterAll(() => cast?.stop())

  it.each(OPERATIONS.map(({ name }) => name))('H18 H20 %s answers what the API may, and never fails', (name) => {
    expect(fuzzed.get(name)?.fault).toBeUndefined()
  })

  it('H20 no process has ended or failed at anything', () => {
    expect(running()).toEqual(processes)
    for (const { name } of cast.world.house.services) {
      const failures = cast.world.house.logs(name).filter(({ level }) => level === 'error' || level === 'fatal')
      expect([name, failures]).toEqual([name, []])
    }
  })
})
