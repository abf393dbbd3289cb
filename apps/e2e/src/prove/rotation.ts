import { machine, ms, revision, round, writeReport } from '../bench/report.js'
import { print } from '../print.js'
import { GRACE_MS, REUSE, type Reuse } from '../rotating-provider.js'
import { CLASS, failpoints, promised, RotationTrial, type Cell, type Failpoint } from '../rotation-trial.js'

const REPETITIONS = Number(process.env.ROTATION_REPETITIONS ?? 5)
const WINDOWS = 400
const LOAD = 16

type Table = ReadonlyMap<Failpoint, ReadonlyMap<Reuse, Cell[]>>

async function run(): Promise<void> {
  const began = performance.now()
  const trial = await RotationTrial.start()
  try {
    const table: Table = new Map(failpoints.map((failpoint) => [failpoint, new Map(REUSE.map((reuse) => [reuse, []]))]))
    for (let repetition = 1; repetition <= REPETITIONS; repetition++) {
      for (const failpoint of failpoints) {
        const cells = await trial.kill(failpoint)
        for (const [reuse, cell] of cells) table.get(failpoint)!.get(reuse)!.push(cell)
        print(
          `${repetition}/${REPETITIONS} ${failpoint}: ${REUSE.map((reuse) => cells.get(reuse)?.outcome).join(' | ')}`,
        )
      }
    }
    for (const reuse of REUSE) await trial.consent(reuse)
    const idle = await trial.windows(REUSE, WINDOWS)
    const loaded = await underLoad(trial, () => trial.windows(['allowed', 'grace', 'refused'], WINDOWS))
    const text = report(table, idle, loaded, (performance.now() - began) / 1000)
    print(`\n${text}`)
    await writeReport('rotation', text)
    if (mismatches(table) > 0) process.exitCode = 1
  } finally {
    await trial.stop()
  }
}

/** Sixteen clients exchange a token that is valid, as fast as they are answered. */
async function underLoad<T>(trial: RotationTrial, work: () => Promise<T>): Promise<{ result: T; exchanges: number }> {
  let over = false
  let exchanges = 0
  const client = async (): Promise<void> => {
    while (!over) {
      await trial.exchange('ends_grant')
      exchanges++
    }
  }
  const clients = Array.from({ length: LOAD }, client)
  try {
    return { result: await work(), exchanges }
  } finally {
    over = true
    await Promise.all(clients)
  }
}

const mismatches = (table: Table): number =>
  [...table].reduce(
    (sum, [failpoint, row]) =>
      sum +
      [...row].reduce(
        (more, [reuse, cells]) => more + cells.filter(({ outcome }) => outcome !== promised(failpoint, reuse)).length,
        0,
      ),
    0,
  )

function cellText(failpoint: Failpoint, reuse: Reuse, cells: readonly Cell[]): string {
  const wanted = promised(failpoint, reuse)
  const right = cells.filter(({ outcome }) => outcome === wanted).length
  const text = wanted === 'ok' ? 'ok' : '**lost, detected**'
  return right === cells.length ? `${text} ${right}/${cells.length}` : `NOT ${text}: ${right}/${cells.length}`
}

const share = (values: readonly number[], part: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? NaN
const figures = (values: readonly number[]): string =>
  `${values.length} | ${ms(share(values, 0.5))} | ${ms(share(values, 0.99))} | ${ms(Math.max(...values))}`

function report(table: Table, idle: readonly number[], loaded: { result: readonly number[] }, seconds: number): string {
  const all = [...table.values()].flatMap((row) => [...row.values()].flat())
  const rows = [...table].map(
    ([failpoint, row]) =>
      `| ${failpoint} | ${[...row].map(([reuse, cells]) => cellText(failpoint, reuse, cells)).join(' | ')} |`,
  )
  const recovery = (reuse: Reuse): string => {
    const cells = [...table.values()].flatMap((row) => row.get(reuse)!)
    const detected = cells.flatMap(({ detectedMs }) => (detectedMs === undefined ? [] : [detectedMs]))
    return `| ${CLASS[reuse]} | ${figures(detected)} | ${figures(cells.map(({ recoveredMs }) => recoveredMs))} |`
  }
  const wrong = mismatches(table)
  return `# Refreshes whose process is killed

\`npm run prove -- rotation\`, ${revision()} No randomness: every kill is at a labelled moment.

Machine: ${machine()}

A real vault process in a whole house refreshes one grant of each provider class at the same time. Each is held at the
labelled moment, by the provider or by a module that the test loads into the process (\`apps/e2e/src/failpoints.ts\`, by
\`node --import\`; nothing of it is in the vault), and the process is killed with SIGKILL. K1: a used refresh token stays
good; K2: for ${GRACE_MS / 1000} s; K3: it is refused; K4: its second use ends the grant. What is promised:
[reliability.md](../reliability.md). TokenRequestTimeout 2 s, RefreshLease 2.5 s.

**${all.length} kills of a refresh in ${round(seconds)} s; ${wrong === 0 ? 'every cell is as promised' : `${wrong} are NOT as promised`}.** In each
"lost" cell the log has RefreshBegun, RefreshInDoubt and ConsentRequired, the metrics count both, and the refusal is
\`consent_required\` (219) with the consent URL and the reason \`rotation_in_doubt\`; in each "ok" cell the next exchange gave a
token that the provider takes, without the viewer. At most one refresh was sent again, none where the tokens were stored.

| killed at | ${REUSE.map((reuse) => CLASS[reuse]).join(' | ')} |
|---|${'---|'.repeat(REUSE.length)}
${rows.join('\n')}

From the kill to the event that says that the attempt is in doubt, and to the first exchange that is answered for good; the
restart of the process is in it, and for K4 the second lease in which late writers are awaited:

| class | doubts | p50 | p99 | max | recoveries | p50 | p99 | max |
|---|---:|---:|---:|---:|---:|---:|---:|---:|
${REUSE.map(recovery).join('\n')}

The local window W, from the provider's answer being read to the commit being acknowledged: a crash within it loses a
single-use token; outside of it and of the provider's own time none is lost.

| | refreshes | p50 | p99 | max |
|---|---:|---:|---:|---:|
| idle | ${figures(idle)} |
| ${LOAD} clients exchanging all the time | ${figures(loaded.result)} |

p99 at most 10 ms when idle: ${share(idle, 0.99) <= 10 ? 'reached' : 'NOT reached'}.
`
}

await run()
