import { randomUUID } from 'node:crypto'
import { Secret } from '#libs/contracts'
import { newHouse } from '../house.fixture.js'
import { ConsentRequests } from './consent-requests.js'

const house = await newHouse()
const { pool, safe } = house.process()
const requests = new ConsentRequests(pool, safe)
afterAll(() => house.close())

const begin = async (): Promise<string> => {
  const state = randomUUID()
  await requests.begin({
    userGuid: randomUUID(),
    sid: randomUUID(),
    integrationGuid: randomUUID(),
    integrationVersion: 1,
    returnTo: '/',
    relink: false,
    state,
    codeVerifier: new Secret('canary-verifier'),
  })
  return state
}

const verifiers = async (): Promise<number> =>
  (await pool.query(`select from safe where place like 'consent_request/%'`)).rowCount ?? 0

describe('consents that were begun and not finished', () => {
  it('B18 are forgotten in time with their verifiers, whether or not anybody begins another', async () => {
    const states = await Promise.all(Array.from({ length: 150 }, begin))
    expect(await requests.sweep()).toBe(0)
    // Over, and remembered for whoever comes back late.
    await pool.query(`update consent_request set expires_at = clock_timestamp()`)
    expect([await requests.sweep(), await verifiers()]).toEqual([0, 150])

    const young = await begin()
    await pool.query(`
      update consent_request set expires_at = clock_timestamp() - interval '21 minutes'
      where expires_at <= clock_timestamp()`)
    const another = new ConsentRequests(pool, safe)
    const [one, two] = await Promise.all([requests.sweep(), another.sweep()])
    expect([one + two + (await requests.sweep()), await verifiers()]).toEqual([150, 1])
    expect(await requests.untaken(states[0]!)).toBeUndefined()
    expect(await requests.untaken(young)).toBeDefined()
  })
})
