// `npm run guards [-- ID…]`: turns each guard of scripts/guards.table.mjs off, in a copy of the last commit, and sees whether
// a test fails. A guard whose loss no test notices is named and fails the run. Writes docs/reports/guards.md when all have run.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { guards } from './guards.table.mjs'

const LIMIT_MS = 120_000
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const chosen = guards.filter(({ id }) => process.argv.length < 3 || process.argv.includes(id))
const folder = mkdtempSync(path.join(tmpdir(), 'keybearer-guards-'))
const copy = path.join(folder, 'copy')
const results = path.join(folder, 'results.json')
const git = (...args) => execFileSync('git', ['-C', root, ...args], { encoding: 'utf8' }).trim()
const revision = git('rev-parse', '--short', 'HEAD')

try {
  git('worktree', 'add', '--quiet', '--detach', copy, revision)
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'))
  process.exitCode = run()
} finally {
  git('worktree', 'remove', '--force', copy)
  rmSync(folder, { recursive: true, force: true })
}

function run() {
  const sound = before(chosen.map(({ spec }) => spec))
  const rows = chosen.map((guard) => {
    const row = { ...guard, verdict: judge(guard, sound) }
    console.log(`${row.id.padEnd(6)} ${row.verdict.padEnd(8)} ${row.guard}`)
    return row
  })
  const others = rows.filter(({ verdict }) => verdict !== 'killed')
  const score = `${rows.length - others.length} of ${rows.length} guards are missed by a test when they are gone`
  for (const { id, guard, verdict, file, spec } of others)
    console.log(`\n${id} ${guard}: ${verdict}\n  ${file}\n  ${spec}`)
  console.log(`\n${score}`)
  if (chosen.length === guards.length) report(rows, score)
  return others.length === 0 ? 0 : 1
}

/**
 * `killed`: tests failed that had passed. `survived`: none did. `unnamed`: no test that has its name, or they fail
 * anyway. `stale`: the table no longer fits the code. `broken`: what is left is no program.
 */
function judge({ id, file, from, to, spec, name }, sound) {
  const at = path.join(copy, file)
  const text = readFileSync(at, 'utf8')
  if (text.split(from).length !== 2) return 'stale'
  const pattern = new RegExp(name ?? `\\b${id}\\b`)
  const named = sound.tests.filter((test) => test.spec === spec && pattern.test(test.name))
  if (!named.some(({ passed }) => passed)) return 'unnamed'
  try {
    writeFileSync(
      at,
      text.replace(from, () => to),
    )
    let after = outcomes([spec], pattern.source)
    // A database that did not start says nothing of the guard.
    if (after.broken) after = outcomes([spec], pattern.source)
    const { tests, broken, late } = after
    if (late) return 'killed'
    if (broken) return 'broken'
    const failed = new Set(tests.filter(({ passed }) => !passed).map((test) => test.name))
    return named.some((test) => test.passed && failed.has(test.name)) ? 'killed' : 'survived'
  } finally {
    writeFileSync(at, text)
  }
}

/** How the specs go with every guard in place; those that fail have another try, since the machine may be busy. */
function before(specs) {
  const { tests } = outcomes(specs)
  const passed = (spec) =>
    tests.some((test) => test.spec === spec) && tests.every((test) => test.spec !== spec || test.passed)
  const again = specs.filter((spec) => !passed(spec))
  if (again.length === 0) return { tests }
  return { tests: [...tests.filter(({ spec }) => passed(spec)), ...outcomes(again).tests] }
}

/** Runs specs in the copy. `late`: they did not come to an end, which is a failure too. */
function outcomes(specs, name = '') {
  const all = { tests: [], broken: false, late: false }
  for (const project of ['unit', 'int']) {
    const mine = [...new Set(specs)].filter((spec) => spec.endsWith('.int.spec.ts') === (project === 'int'))
    if (mine.length === 0) continue
    rmSync(results, { force: true })
    const flags = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', '--forceExit']
    const which = ['--selectProjects', project, '--runTestsByPath', ...mine, '--json', `--outputFile=${results}`]
    const named = name === '' ? [] : ['--testNamePattern', name]
    const env = { ...process.env, NODE_OPTIONS: '' }
    const timeout = name === '' && mine.length > 1 ? LIMIT_MS * 3 : LIMIT_MS
    const { error } = spawnSync(process.execPath, [...flags, ...named, ...which], {
      cwd: copy,
      env,
      timeout,
      stdio: 'ignore',
    })
    if (error) all.late = true
    else if (!existsSync(results)) all.broken = true
    else for (const one of read()) add(all, one)
  }
  return all
}

function read() {
  return JSON.parse(readFileSync(results, 'utf8')).testResults
}

function add(all, { name: file, assertionResults, status: went }) {
  const spec = path.relative(copy, file)
  const ran = assertionResults.filter(({ status: each }) => each === 'passed' || each === 'failed')
  if (went === 'failed' && ran.length === 0) all.broken = true
  for (const { fullName, status: each } of ran) all.tests.push({ spec, name: fullName, passed: each === 'passed' })
}

function report(rows, score) {
  const line = ({ id, guard, verdict, file }) => `| ${id} | ${guard} | \`${file}\` | ${verdict} |`
  const text = `# What happens without each guard

\`npm run guards\`, ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC, revision ${revision}.

Each guard is turned off by itself in a copy of the commit; then the tests that carry its name run, which passed before.
\`killed\`: at least one of them fails. \`survived\`: none does.

**${score}.**

| check | guard | file | without it |
|---|---|---|---|
${rows.map(line).join('\n')}
`
  const file = path.join(root, 'docs/reports/guards.md')
  writeFileSync(file, text)
  spawnSync(process.execPath, [path.join(root, 'node_modules/prettier/bin/prettier.cjs'), '--write', file])
}
