// `npm test [-- check unit int e2e]`: every check and every spec through nx, then one line that sums them up.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'

const CHECKS = ['format', 'lint', 'types', 'boundaries', 'compile', 'docs', 'requirements']
const TIERS = { unit: 'test', int: 'int', e2e: 'e2e' }
const chosen = process.argv.length > 2 ? process.argv.slice(2) : ['check', 'unit', 'int', 'e2e']
const RESULTS = '.cache/results'

rmSync(RESULTS, { recursive: true, force: true })
let passed = 0
let failed = 0
const faults = []

if (chosen.includes('check')) {
  for (const check of CHECKS) {
    if (nx('run', `keybearer:${check}`)) continue
    failed++
    faults.push(check)
  }
}
for (const [tier, target] of Object.entries(TIERS)) {
  if (!chosen.includes(tier)) continue
  // All unit specs in one jest: a dozen starts of it would take longer than they do.
  const went = tier === 'unit' ? nx('run', 'keybearer:unit') : nx('run-many', '--target', target, '--parallel', '1')
  const before = failed
  for (const file of results(target)) {
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, testResults } = JSON.parse(
      readFileSync(`${RESULTS}/${file}`, 'utf8'),
    )
    passed += numPassedTests
    failed += numFailedTests + numRuntimeErrorTestSuites
    for (const { name, status } of testResults)
      if (status === 'failed') faults.push(name.replace(`${process.cwd()}/`, ''))
  }
  if (went || failed > before) continue
  failed++
  faults.push(tier)
}
if (faults.length) console.log(`\nFailed: ${faults.join(', ')}`)
console.log(`\n${passed} passed, ${failed} failed`)
process.exit(failed ? 1 : 0)

function nx(...args) {
  const env = { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false', FORCE_COLOR: process.stdout.isTTY ? '1' : '0' }
  const { status } = spawnSync(process.execPath, ['node_modules/nx/dist/bin/nx.js', ...args, '--outputStyle=stream'], {
    stdio: 'inherit',
    env,
  })
  return status === 0
}

function results(target) {
  try {
    return readdirSync(RESULTS).filter((file) => file.endsWith(`.${target}.json`))
  } catch {
    return []
  }
}
