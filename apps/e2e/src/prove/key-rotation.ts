import { machine, ms, revision, round, writeReport } from '../bench/report.js'
import { rotateUnderLoad, type RotationTrial } from '../key-rotation-trial.js'
import { print } from '../print.js'

const SECRETS = Number(process.env.ROTATION_SECRETS ?? 100_000)
const OPTIONS = { secrets: SECRETS, vaults: 3, kills: 2, rolledBack: true }

function report(trial: RotationTrial): string {
  const failed = Object.entries(trial.failures).map(([what, count]) => `${count} × ${what}`)
  return `# The key of the safe changes under load

\`npm run prove -- key-rotation\`, ${revision()} No random choices, so no seed.

Machine: ${machine()}

Three processes of the vault, ${SECRETS} secrets and eight content processes that exchange tokens without a pause; access
tokens live for four seconds, so that new ones are sealed all the time. Meanwhile \`npx keybearer rotate-keys\`
makes key 2 and is killed with \`kill -9\` twice; somebody wants to retire key 1 too early; the third run ends; key 1 is made
active again and everything goes back to it, then to key 2 again; key 1 is retired.

| what | must be | was |
| --- | --- | --- |
| failed exchanges | 0 | ${failed.length === 0 ? 0 : failed.join('; ')} |
| exchanges meanwhile | | ${trial.exchanges} |
| their time, median and 99th percentile | | ${ms(trial.p50)}, ${ms(trial.p99)} |
| refreshes meanwhile | | ${trial.refreshes} |
| retiring key 1 too early | refused | ${trial.earlyRetirement || 'NOT REFUSED'} |
| secrets under key 1 at the end, by SQL | 0 | ${trial.left} |
| keys that secrets need after all | 2 | ${trial.versions.join(', ')} |
| secrets rewrapped each second, under this load | | ${round(trial.perSecond)} |

The last run said: “${trial.said}”

A rewrapping opens data keys only, never a secret. That a process without the new key is not ready, and that one whose
secrets need a missing key does not start, is in \`apps/vault/src/safe/safe-keys.int.spec.ts\`.
`
}

const trial = await rotateUnderLoad(OPTIONS)
const text = report(trial)
print(text)
await writeReport('key-rotation', text)
const right = Object.keys(trial.failures).length === 0 && trial.left === 0 && trial.versions.join() === '2'
if (!right || trial.earlyRetirement === '') process.exitCode = 1
