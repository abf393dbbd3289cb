import { jest } from '@jest/globals'
import { rotateUnderLoad } from './key-rotation-trial.js'
import { print } from './print.js'

jest.setTimeout(120_000)

it('R16 VAULT the key of the safe changes under load and after a kill -9: no exchange fails, nothing is left under the old key', async () => {
  const trial = await rotateUnderLoad({ secrets: 10_000, vaults: 2, kills: 1, rolledBack: false })
  print(JSON.stringify(trial))
  expect(trial.failures).toEqual({})
  expect(trial.exchanges).toBeGreaterThan(100)
  expect(trial.refreshes).toBeGreaterThan(1)
  expect(trial.earlyRetirement).toMatch(/^Key 1 is needed by \d+ secrets/)
  expect(trial.said).toMatch(/brought under key 2; 0 are left/)
  expect([trial.left, trial.versions]).toEqual([0, [2]])
})
