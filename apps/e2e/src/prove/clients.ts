import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { bundleOf, manifestFor } from '#libs/testing'
import { machine, revision, writeReport } from '../bench/report.js'
import { ROOT } from '../house.js'
import { print } from '../print.js'
import { World } from '../world.js'

const PACKAGES = ['posit-sdk', 'rsconnect-python']
const FOLDER = path.join(ROOT, '.cache/clients')
const BIN = path.join(FOLDER, 'venv/bin')
const MINUTES = 5 * 60_000

interface Ran {
  readonly ok: boolean
  readonly output: string
}

async function run(program: string, args: readonly string[], environment: Record<string, string> = {}): Promise<Ran> {
  try {
    const options = { env: { ...process.env, ...environment }, timeout: MINUTES, maxBuffer: 1e8, cwd: FOLDER }
    const { stdout, stderr } = await promisify(execFile)(program, [...args], options)
    return { ok: true, output: stdout + stderr }
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string }
    return { ok: false, output: `${stdout}${stderr}` || message }
  }
}

/** @returns what was installed, or why nothing could be */
async function install(): Promise<{ versions: string } | { reason: string }> {
  await mkdir(FOLDER, { recursive: true })
  if (!existsSync(path.join(BIN, 'python'))) {
    const made = await run('python3', ['-m', 'venv', path.join(FOLDER, 'venv')])
    if (!made.ok) return { reason: `python3 -m venv failed: ${lastLine(made.output)}` }
  }
  const pip = await run(path.join(BIN, 'pip'), ['install', '--quiet', '--retries', '1', '--upgrade', ...PACKAGES])
  if (!pip.ok) return { reason: `pip install ${PACKAGES.join(' ')} failed: ${lastLine(pip.output)}` }
  const { output } = await run(path.join(BIN, 'pip'), ['list', '--format=freeze'])
  return { versions: PACKAGES.map((name) => new RegExp(`^${name}==.*$`, 'm').exec(output)?.[0] ?? name).join(', ') }
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? ''

async function prove(): Promise<void> {
  const installed = await install()
  if ('reason' in installed) {
    print(`Nothing was tried, and no report is written. ${installed.reason}`)
    process.exitCode = 1
    return
  }
  const world = await World.start()
  try {
    const alice = world.person('alice')
    await alice.logIn()
    const key = await alice.makeKey('clients')
    const integration = await world.makeIntegration(key)
    const content = await world.makeContent(key, 'clients', world.probe.url, [integration])
    const visitor = world.person('guest-1')
    await visitor.consent(content)
    const { guid: viewer } = await world.call<{ guid: string }>(visitor, 'GET', '/v1/user')
    const bundle = path.join(FOLDER, 'bundle.tar.gz')
    await writeFile(bundle, bundleOf(manifestFor('python-streamlit')))
    const facts = { integration, viewer, bundle, user_session_token: world.probe.tokenOf('guest-1') }
    const environment = {
      CONNECT_SERVER: world.address,
      CONNECT_API_KEY: key,
      CONNECT_CONTENT_GUID: content,
      KEYBEARER_FACTS: JSON.stringify(facts),
    }
    const script = path.join(ROOT, 'apps/e2e/src/prove/clients.py')
    const sdk = await run(path.join(BIN, 'python'), [script], environment)
    print(sdk.output)
    const commands = await rsconnect(world.address, key)
    const lines = commands.map(
      ({ name, ok, output }) => `${ok ? 'ok     ' : 'FAILED '} ${name}${ok ? '' : `: ${lastLine(output)}`}`,
    )
    print(lines.join('\n'))
    const text = `# Existing clients

\`npm run prove -- clients\`, ${revision()}

Machine: ${machine()}

${installed.versions}, as they are, against the whole system.

\`\`\`text
${sdk.output.trim()}

${lines.join('\n')}
\`\`\`
`
    await writeReport('clients', text)
    if (!sdk.ok || commands.some(({ ok }) => !ok)) process.exitCode = 1
  } finally {
    await world.stop()
  }
}

/** The command line of rsconnect-python, with a home of its own. */
async function rsconnect(server: string, key: string): Promise<(Ran & { name: string })[]> {
  const app = path.join(FOLDER, 'app')
  await mkdir(app, { recursive: true })
  await writeFile(path.join(app, 'app.py'), 'print("hello")\n')
  await writeFile(path.join(app, 'requirements.txt'), '')
  const manifest = { ...manifestFor('python-streamlit'), files: { 'app.py': { checksum: '' } } }
  await writeFile(path.join(app, 'manifest.json'), JSON.stringify(manifest))
  const credentials = ['--server', server, '--api-key', key]
  const commands: [string, string[]][] = [
    ['rsconnect details', ['details', ...credentials]],
    ['rsconnect add', ['add', '--name', 'keybearer', ...credentials]],
    ['rsconnect content search', ['content', 'search', ...credentials]],
    [
      'rsconnect deploy manifest',
      ['deploy', 'manifest', '--no-verify', '--title', 'Deployed', ...credentials, path.join(app, 'manifest.json')],
    ],
  ]
  const ran: (Ran & { name: string })[] = []
  for (const [name, args] of commands) {
    ran.push({ name, ...(await run(path.join(BIN, 'rsconnect'), args, { HOME: FOLDER, XDG_CONFIG_HOME: FOLDER })) })
  }
  return ran
}

await prove()
