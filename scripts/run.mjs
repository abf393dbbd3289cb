// Runs a program of this repository on a machine that has only Node 20.19 or newer: `node scripts/run.mjs FILE ARGUMENTS…`
// installs the packages when the lock file is new, compiles when sources are, and hands over to the Node of the lock file.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const at = (...parts) => path.join(root, ...parts)
const [target, ...rest] = process.argv.slice(2)

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) fail(`Keybearer needs Node 20.19 or newer; this is ${process.version}`)
if (!target) fail('usage: node scripts/run.mjs FILE [ARGUMENT…]')

install()
const node = major > 24 || (major === 24 && minor >= 11) ? process.execPath : at('node_modules/.bin/node')
if (!existsSync(node)) fail('Keybearer needs Node 24.11 or newer on this platform: see https://nodejs.org')
if (target !== 'scripts/test.mjs') compile()
if (target === 'compile') process.exit(0)
run()

function install() {
  const lock = createHash('sha256')
    .update(readFileSync(at('package-lock.json')))
    .digest('hex')
  const marker = at('node_modules/.keybearer-lock')
  const installed = existsSync(marker) && readFileSync(marker, 'utf8') === lock
  if (installed) return
  // Installed by hand, after the lock file was last changed: npm leaves this file when it is done.
  const byHand = modified(at('node_modules/.package-lock.json')) > modified(at('package-lock.json'))
  if (!byHand) {
    console.error('Installing packages (about a minute) …')
    const npm = process.env.npm_execpath ? [process.execPath, [process.env.npm_execpath]] : ['npm', []]
    // No package needs its install script: what PostgreSQL's does, the launcher does.
    const flags = ['ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    // What a program prints must be that program's alone.
    const stdio = ['inherit', process.stderr, 'inherit']
    const { status, error } = spawnSync(npm[0], [...npm[1], ...flags], { cwd: root, stdio })
    if (status !== 0)
      fail(
        `npm ci failed${error ? ` (${error.message})` : ''}: is the package registry reachable? Nothing was started.`,
      )
  }
  writeFileSync(marker, lock)
}

function compile() {
  const marker = at('dist/.compiled')
  const sources = ['apps', 'libs'].flatMap(files).filter((file) => file.endsWith('.ts') || file.endsWith('.json'))
  const settings = ['tsconfig.json', 'tsconfig.base.json', 'package-lock.json'].map((file) => at(file))
  const list = createHash('sha256').update(sources.join('\n')).digest('hex')
  const fresh = existsSync(marker) && readFileSync(marker, 'utf8') === list
  if (fresh && [...sources, ...settings].every((file) => modified(file) < modified(marker))) return

  const began = Date.now()
  // Compiled files whose source is gone would still be found by an import.
  for (const file of files('dist')) {
    const source = path.relative(at('dist'), file).replace(/\.js(\.map)?$/, '.ts')
    if (source.endsWith('.ts') && !existsSync(at(source))) rmSync(file)
  }
  const tsc = at('node_modules/@typescript/native/bin/tsc')
  const stdio = ['inherit', process.stderr, 'inherit']
  const { status } = spawnSync(node, [tsc, '-p', at('tsconfig.json')], { cwd: root, stdio })
  if (status !== 0) fail('the sources do not compile; nothing was started')
  writeFileSync(marker, list)
  utimesSync(marker, began / 1000, began / 1000) // a source saved while the compiler ran is newer
  console.error(`Compiled in ${((Date.now() - began) / 1000).toFixed(1)} s`)
}

function run() {
  const child = spawn(node, [at(target), ...rest], {
    stdio: 'inherit',
    // Where the user called us from stays the place that relative paths on the command line mean.
    env: { ...process.env, PATH: `${at('node_modules/.bin')}${path.delimiter}${process.env.PATH}` },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)))
}

function files(folder) {
  if (!existsSync(path.resolve(root, folder))) return []
  return readdirSync(path.resolve(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = path.resolve(root, folder, entry.name)
    return entry.isDirectory() ? files(file) : [file]
  })
}

function modified(file) {
  return existsSync(file) ? statSync(file).mtimeMs : 0
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
