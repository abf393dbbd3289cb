import { jest } from '@jest/globals'
import { eventually } from '#libs/testing'
import { REUSE } from './rotating-provider.js'
import { failpoints, promised, RotationTrial } from './rotation-trial.js'

jest.setTimeout(90_000)

describe('R02 a vault that is killed while it refreshes', () => {
  let trial: RotationTrial

  beforeAll(async () => {
    trial = await RotationTrial.start()
  })
  afterAll(() => trial?.stop())

  it.each(failpoints)('%s: loses nothing that could be kept, and nothing silently', async (failpoint) => {
    const cells = await trial.kill(failpoint)
    const outcomes = Object.fromEntries(REUSE.map((reuse) => [reuse, cells.get(reuse)?.outcome]))
    expect(outcomes).toEqual(Object.fromEntries(REUSE.map((reuse) => [reuse, promised(failpoint, reuse)])))
  })
})

describe('R01 a vault that is paused while it refreshes', () => {
  let trial: RotationTrial

  beforeAll(async () => {
    trial = await RotationTrial.start({ vaults: 2, leaseMs: 4_000 })
  })
  afterAll(() => trial?.stop())

  it('R02 K3: comes back with the only good token, and heals what was given up meanwhile', async () => {
    await trial.pause('refused', 'ConsentRequired')
    await eventually(async () => (await trial.types('refused')).at(-1) === 'TokenRefreshed')
    const { status, body } = await trial.exchange('refused')
    expect(status).toBe(200)
    expect(trial.provider.isLive(body.access_token)).toBe(true)
    expect(trial.provider.refreshes.map(({ outcome }) => outcome)).toEqual(['rotated', 'refused'])
  })

  it('R02 K4: is waited for, since a second use would end the grant', async () => {
    const before = trial.provider.countOf('ends_grant')
    await trial.pause('ends_grant', 'RefreshInDoubt')
    await eventually(async () => (await trial.types('ends_grant')).at(-1) === 'TokenRefreshed')
    expect(trial.provider.isLive((await trial.exchange('ends_grant')).body.access_token)).toBe(true)
    expect(trial.provider.countOf('ends_grant') - before).toBe(1)
  })

  it('R02 K1: never stores a second successor; the one that came late is forgotten, and costs nobody the grant', async () => {
    await trial.pause('allowed', 'TokenRefreshed')
    await eventually(() => trial.someCameTooLate)
    const types = await trial.types('allowed')
    expect(types.filter((type) => type === 'TokenRefreshed')).toHaveLength(1)
    expect(trial.provider.isLive((await trial.exchange('allowed')).body.access_token)).toBe(true)
  })
})
