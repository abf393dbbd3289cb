// `node scripts/jest.mjs unit|int|e2e NAME FOLDER [ARGUMENT…]`: jest over one folder, its counts in .cache/results.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'

const [project, name, folder, ...rest] = process.argv.slice(2)
const results = `.cache/results/${name}.${project === 'unit' ? 'test' : project}.json`
mkdirSync('.cache/results', { recursive: true })
rmSync(results, { force: true })

const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js']
const which = ['--selectProjects', project, '--testPathPatterns', `/${folder}/`, '--passWithNoTests', ...rest]
// Jest would leave one core to itself; unit specs wait for nothing but a core.
if (project === 'unit') which.push('--maxWorkers=100%')
const jest = spawn(process.execPath, [...flags, ...which, '--json', `--outputFile=${results}`], {
  // The report is in the file; what --json prints besides would bury the readable one.
  stdio: ['ignore', 'ignore', 'inherit'],
})

// Jest waits for whatever a spec has left open, for ever if need be.
const LEFT_OPEN_MS = 15_000
const watch = setInterval(() => {
  if (!existsSync(results)) return
  clearInterval(watch)
  setTimeout(() => {
    console.error(`${name}: all specs are done, but one has left something open; find it with --detectOpenHandles`)
    jest.kill('SIGKILL')
  }, LEFT_OPEN_MS).unref()
}, 500).unref()
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => jest.kill(signal))
jest.on('exit', (code) => process.exit(code ?? 1))
