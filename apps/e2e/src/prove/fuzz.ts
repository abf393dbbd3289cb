import { Cast } from '../contract/cast.js'
import { OPERATIONS } from '../contract/document.js'
import { fuzz, type Fuzzed, inOrder } from '../contract/fuzz.js'
import { machine, revision, round, writeReport } from '../bench/report.js'
import { print } from '../print.js'

const CASES = Number(process.env.FUZZ_CASES ?? 10_000)
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)
const AT_ONCE = 8
/** Words in the names of the operations that are meant, with commas between them: no report is written then. */
const ONLY = (process.env.FUZZ_ONLY ?? '').split(',').filter(Boolean)

async function run(): Promise<void> {
  const cast = await Cast.start()
  try {
    const operations = OPERATIONS.filter(({ name }) => ONLY.length === 0 || ONLY.some((word) => name.includes(word)))
    print(`${operations.length} operations, ${CASES} requests each, FUZZ_SEED=${SEED} …`)
    const running = (): string => JSON.stringify(cast.world.house.services.map(({ name, pid }) => [name, pid]))
    const processes = running()
    const began = performance.now()
    const fuzzed: Fuzzed[] = []
    const waiting = inOrder(operations).values()
    const work = async (): Promise<void> => {
      for (const operation of waiting) {
        const one = await fuzz(cast, operation, { cases: CASES, seed: SEED })
        fuzzed.push(one)
        print(`${one.name}: ${statusesOf(one)}${one.fault === undefined ? '' : `\n  FAULT ${one.fault}`}`)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    const seconds = (performance.now() - began) / 1000
    const failures = cast.world.house.services.map(({ name }) => ({
      name,
      failures: cast.world.house.logs(name).filter(({ level }) => level === 'error' || level === 'fatal'),
    }))
    for (const { name, failures: lines } of failures)
      for (const line of lines) print(`${name}: ${JSON.stringify(line)}`)
    const text = report(fuzzed, seconds, {
      ended: running() !== processes,
      failures: failures.reduce((sum, { failures: lines }) => sum + lines.length, 0),
    })
    if (ONLY.length === 0) await writeReport('fuzz', text)
    print(`\n${text}`)
    if (fuzzed.some(({ fault }) => fault !== undefined)) process.exitCode = 1
  } finally {
    await cast.stop()
  }
}

const statusesOf = ({ statuses }: Fuzzed): string =>
  [...statuses]
    .sort(([one], [other]) => one - other)
    .map(([status, count]) => `${status}: ${count}`)
    .join(', ')

function report(
  fuzzed: readonly Fuzzed[],
  seconds: number,
  { ended, failures }: { ended: boolean; failures: number },
): string {
  const total = fuzzed.reduce((sum, { cases }) => sum + cases, 0)
  const faults = fuzzed.filter(({ fault }) => fault !== undefined)
  const rows = [...fuzzed]
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .map(
      (one) => `| \`${one.name}\` | ${one.cases} | ${statusesOf(one)} | ${one.fault === undefined ? 0 : 'see below'} |`,
    )
  return `# Every operation, sent what nobody expects

\`npm run prove -- fuzz\`, ${revision()} FUZZ_SEED=${SEED}.

Machine: ${machine()}

Requests made from the schemas of [openapi.json](../openapi.json): right ones, right ones with one member changed, wrong
ones, texts that have broken servers, bytes that are no JSON; as every role; ${CASES} for each operation, through the
gateway, to the whole system. A fault is an answer of 500 or more, none at all, or one that breaks the conventions of
the API: an error that is not \`{code, error, payload}\`, a redirect, a time or id that clients cannot read, an error that
shows the inside.

**${total} requests to ${fuzzed.length} operations in ${round(seconds)} s: ${faults.length} faults.** Processes that ended
meanwhile: ${ended ? 'SOME' : 'none'}. Failures in the logs: ${failures}.

| operation | requests | answers | faults |
|---|---:|---|---:|
${rows.join('\n')}
${faults.map(({ name, fault }) => `\n\`${name}\`: ${fault}\n`).join('')}`
}

await run()
