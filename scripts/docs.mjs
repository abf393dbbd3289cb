// Writes what is made from the sources: docs/config.md, docs/internal-calls.md, docs/openapi.json.
// `--check` writes nothing and fails when a file on disk is not what the sources say.
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const dist = (file) => path.join(root, 'dist', file)
const { INTERNAL_CALLS } = await import(dist('libs/contracts/src/index.js'))
const { SECTIONS, sectionOf, settingsOf } = await import(dist('libs/service/src/index.js'))

const GENERATED = 'This page is made from the sources by `npm run docs`; a test fails when it is stale.'
const files = {
  'docs/config.md': config(),
  'docs/internal-calls.md': internalCalls(),
  'docs/openapi.json': JSON.stringify(await openApi(), null, 2) + '\n',
}

let stale = 0
for (const [file, text] of Object.entries(files)) {
  const target = path.join(root, file)
  if (existsSync(target) && readFileSync(target, 'utf8') === text) continue
  if (process.argv.includes('--check')) {
    console.error(`${file} is stale: run npm run docs and commit it`)
    stale++
  } else {
    writeFileSync(target, text)
    console.log(`wrote ${file}`)
  }
}
process.exit(stale > 0 ? 1 : 0)

function config() {
  const lines = [
    '# Settings',
    '',
    GENERATED,
    '',
    'One file in the gcfg format, named to the launcher with `--config` and to each process as `KEYBEARER_CONFIG`.',
    'Names are read without regard to case; sections of the same name add up; a list is the same line repeated; `;` and',
    '`#` begin a comment. A fault stops the start and names section, setting and line, never the value.',
    '',
  ]
  for (const section of SECTIONS) {
    const { name, description } = sectionOf(section)
    const defaults = new section()
    lines.push(`## [${name}]`, '', description, '', '| setting | kind | default | meaning |', '|---|---|---|---|')
    for (const setting of settingsOf(section)) {
      const kind = setting.list ? `list of ${setting.kind}s` : setting.kind
      lines.push(
        `| \`${setting.name}\` | ${kind} | ${shown(setting, defaults[setting.property])} | ${setting.description} |`,
      )
    }
    lines.push('')
  }
  return lines.join('\n')
}

function shown({ kind, list }, value) {
  if (value === undefined || list || value === '') return ''
  if (kind !== 'duration') return `\`${value}\``
  for (const [unit, ms] of [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ]) {
    if (value % ms === 0) return `\`${value / ms}${unit}\``
  }
  return `\`${value}ms\``
}

function internalCalls() {
  const rows = Object.entries(INTERNAL_CALLS).map(
    ([name, { caller, callee, method, path, actors, whenDown }]) =>
      `| ${name} | ${caller} | ${callee} | \`${method} ${path}\` | ${actors.join(', ')} | ${whenDown} |`,
  )
  return [
    '# Calls inside the house',
    '',
    GENERATED,
    '',
    'Besides the public API, which the gateway forwards, these are all the calls between the services, and those of the',
    'operator’s command line. Each carries a service token of the caller; where an actor stands behind it, an assertion',
    'signed by identity for the callee.',
    'Without any token there are only `GET /internal/jwks/*` of identity, which every service reads for the public keys of',
    'assertions and session tokens, and `GET /readyz` of each service, which the gateway asks for `/__ping__`.',
    '',
    '| call | caller | callee | operation | actors | when the callee is down |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

async function openApi() {
  const run = promisify(execFile)
  const documents = await Promise.all(
    ['identity', 'integrations', 'vault'].map(async (service) => {
      const { stdout } = await run(process.execPath, [dist(`apps/${service}/src/openapi.js`)], { maxBuffer: 1e8 })
      return JSON.parse(stdout)
    }),
  )
  const paths = {}
  const schemas = {}
  for (const document of documents) {
    for (const [name, operations] of Object.entries(document.paths)) {
      if (!name.startsWith('/__api__/')) continue
      if (paths[name]) throw new Error(`two services declare ${name}`)
      paths[name] = operations
    }
    for (const [name, schema] of Object.entries(document.components?.schemas ?? {})) {
      if (schemas[name] && JSON.stringify(schemas[name]) !== JSON.stringify(schema)) {
        throw new Error(`two services have a schema ${name} of their own`)
      }
      schemas[name] = schema
    }
  }
  const sorted = (object) => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)))
  return {
    openapi: '3.0.0',
    info: {
      title: 'Keybearer',
      description: 'The public API. Errors are `{"code": number, "error": text, "payload": object or null}`.',
      version: JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).version,
    },
    paths: sorted(paths),
    components: {
      securitySchemes: {
        key: { type: 'apiKey', in: 'header', name: 'Authorization', description: '`Key <API key>`' },
        session: { type: 'apiKey', in: 'cookie', name: 'keybearer_session', description: 'The browser’s session' },
      },
      schemas: sorted(schemas),
    },
    security: [{ key: [] }, { session: [] }],
  }
}
