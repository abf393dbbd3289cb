// Writes what is made from the sources: docs/config.md, docs/internal-calls.md, docs/openapi.json, docs/providers.md.
// `--check` writes nothing and fails when a file on disk is not what the sources say.
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const dist = (file) => path.join(root, 'dist', file)
const { INTERNAL_CALLS } = await import(dist('libs/contracts/src/index.js'))
const { CONNECT_NAMES, SECTIONS, sectionOf, SETTINGS_ADVICE, SETTINGS_RULES, settingsOf, variableOf } = await import(
  dist('libs/service/src/index.js')
)
const { TEMPLATES } = await import(dist('apps/integrations/src/template/registry.js'))

const GENERATED = 'This page is made from the sources by `npm run docs`; a test fails when it is stale.'
const files = {
  'docs/config.md': config(),
  'docs/internal-calls.md': internalCalls(),
  'docs/providers.md': providers(),
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
    'One file in the gcfg format, named to the launcher with `--config` and to each process as `KEYBEARER_CONFIG`. It is',
    'read once, at the start. Files that start as they stand: [Google](examples/google.gcfg),',
    '[Microsoft Entra ID](examples/entra.gcfg), [Databricks](examples/databricks.gcfg),',
    '[a site of Posit Connect](examples/connect-site.gcfg).',
    '',
    '## The file',
    '',
    '- `[Section]` and `Name = value`, a line each. Names are read without regard to case; sections of the same name add',
    '  up.',
    '- A list is the same line repeated; of any other setting the last line holds.',
    '- Values are bare or in double quotes, in which `\\"` and `\\\\` stand for a quote and a backslash. `Name = ""` is an',
    '  empty value, which is not the same as no line at all: `FirstNameClaim = ""` lets people edit their first name.',
    '- `;` and `#` begin a comment, behind a bare value only after a space.',
    '- A fault stops the start. All of them are told at once, with section, setting and line, never with a value.',
    '',
    '| kind | as written |',
    '|---|---|',
    '| string | `oauth2`, `"a string with spaces"` |',
    '| bool | `true` or `false`, nothing else |',
    '| int, decimal | `42`, `-123`; `0.25` |',
    '| duration | `500ms`, `20s`, `5m`, `1h30m`; a bare number is nanoseconds |',
    '| size | `5 MB` (5,000,000 bytes), `5 KiB` (5,120); a bare number is bytes |',
    '| secret | a string, as it is or [encrypted](#encrypted-secrets); it is never logged |',
    '',
    'Give each application credentials of its own at the OpenID provider: whoever learns the secret of one has not learnt',
    'that of another, and each can be changed alone.',
    '',
  ]
  for (const section of SECTIONS) {
    const { name, description } = sectionOf(section)
    const defaults = new section()
    lines.push(`## [${name}]`, '', description, '', '| setting | kind | default | meaning |', '|---|---|---|---|')
    for (const setting of settingsOf(section)) {
      const kind = setting.list ? `list of ${setting.kind}s` : setting.kind
      lines.push(
        `| \`${setting.name}\` | ${kind} | ${shown(setting, defaults[setting.property])} | ${inCell(setting.description)} |`,
      )
    }
    lines.push('')
  }
  const rule = ({ settings, message }) => `- \`${settings[0]}\` ${inText(message)}`
  lines.push(
    '## What stops the start',
    '',
    'Besides values that are not of their kind or not in their bounds, names that nobody knows, and files of secrets that',
    'others may read:',
    '',
    ...SETTINGS_RULES.map(rule),
    '',
    '## What warns',
    '',
    'The server starts, and says once:',
    '',
    ...SETTINGS_ADVICE.map(rule),
    '- that a line has no meaning here, when it is one of those below.',
    '',
    'A file of Posit Connect can be used as it is: what only Connect has is passed over with a warning. These are the',
    'sections',
    '',
    CONNECT_NAMES.sections.map((name) => `\`[${name}]\``).join(', '),
    '',
    'and, in sections that both have, the settings',
    '',
    ...CONNECT_NAMES.mostly.map((section) => `- \`[${section}]\` all but those above`),
    ...Object.entries(CONNECT_NAMES.settings).map(
      ([section, names]) => `- \`[${section}]\` ${names.map((name) => `\`${name}\``).join(', ')}`,
    ),
    '',
    '## Settings from the environment',
    '',
    'A variable takes the place of all lines of its setting. Its name is `KEYBEARER_`, the section, `_` and the setting, in',
    `capitals: \`${variableOf(SECTIONS[0], settingsOf(SECTIONS[0])[0])}\`. A list has one value a line. An empty variable is`,
    'an empty value, or none where a setting may be absent, such as `ClientSecret`. Faults name the variable; one that begins like these and is no setting stops the start. All processes',
    'of an installation must be given the same.',
    '',
    SECTIONS.flatMap((section) => settingsOf(section).map((setting) => `\`${variableOf(section, setting)}\``)).join(
      ', ',
    ),
    '',
    '## Encrypted secrets',
    '',
    'Whoever reads the settings file need not learn the secrets in it. A command turns a secret into a text that can stand',
    'for it, in the file, in a variable, or as the content of the file that `OAuth2.ClientSecretFile` names:',
    '',
    '```sh',
    'npx keybearer encrypt-config-value --config keybearer.gcfg < secret.txt',
    '```',
    '',
    'It reads standard input and writes standard output; at a terminal it asks, and shows nothing of what is typed. The',
    'text begins with `keybearer1:`, the version of the format; it is encrypted and authenticated with AES-256-GCM. The key',
    'is in the file that `Server.SecretKeyFile` names (`secret.key` beside the settings file unless told otherwise), Base64',
    'of 32 bytes, mode 0600. The command makes it when it is missing: keep a copy in a safe place. Only processes that use',
    'a secret need the key.',
    '',
    'Identity keeps a fingerprint of the key in its database and refuses to start with another one, so that a lost or mixed',
    'up key is noticed at once. When the former key is lost, encrypt all secrets again and start once with',
    '`npm start -- --reset-secret-key`; without the launcher, run `node dist/apps/identity/src/reset-secret-key.js` before,',
    'with `KEYBEARER_DATABASE_OWNER_URL` in its environment.',
    '',
  )
  return lines.join('\n')
}

/** Names in prose that are not to be taken for links or tags. */
function inText(text) {
  return text.replace(/\[(\w+)\]/g, '\\[$1\\]').replace(/</g, '&lt;')
}

function inCell(text) {
  return inText(text).replace(/\|/g, '\\|')
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

function providers() {
  const yes = (capable) => (capable ? 'yes' : '')
  // The template that adds least to what every form asks.
  const { questions: all } = TEMPLATES.find(({ id }) => id === 'custom')
  const common = all.filter(({ name }) => /^(auth_type|auth_mode|client_id|client_secret|scopes)$/.test(name))
  const scopes = common.find(({ name }) => name === 'scopes')
  const anchor = (name) => name.toLowerCase().replaceAll(' ', '-')
  const lines = [
    '# Providers',
    '',
    GENERATED,
    '',
    'What integrations can be made of, and what each form asks. How to come to one is told in',
    '[OAuth integrations: who does what](guides/integrations.md); what has to be done at the vendor, in its own guide.',
    'To let people log in, see the guides for [Google](guides/google-login.md) and',
    '[Microsoft Entra ID](guides/entra-login.md).',
    '',
    '| provider | template | Viewer | Service Account | Public applications | guide |',
    '|---|---|---|---|---|---|',
    ...TEMPLATES.map(({ id, displayName, authTypes, authModes, questions, guide }) => {
      const isPublic = authModes.includes('Public') && questions.some(({ name }) => name === 'client_id')
      return `| [${displayName}](#${anchor(displayName)}) | \`${id}\` | ${yes(authTypes.includes('Viewer'))} | ${yes(authTypes.includes('Service Account'))} | ${yes(isPublic)} | [${guide}](guides/${guide}.md) |`
    }),
    '',
    'The keys below stand flat in `config`. Whoever leaves one out gets its default. A key that a template does not have is',
    'refused.',
    '',
    '## What every form asks',
    '',
    ...questionTable(common, () => ''),
    '',
  ]
  for (const { id, displayName, description, authTypes, questions } of TEMPLATES) {
    const own = questions.filter(({ name }) => name === 'scopes' || !common.some((one) => one.name === name))
    lines.push(
      `## ${displayName}`,
      '',
      description,
      '',
      `\`"template": "${id}"\`${authTypes.includes('Viewer') ? '' : `, \`"auth_type": "${authTypes[0]}"\``};`,
      `[what the vendor hears](../apps/integrations/src/template/${id}.golden.txt), byte for byte.`,
      '',
      ...questionTable(own, ({ name }) => (name === 'scopes' ? scopes.description : '')),
      '',
    )
  }
  return lines.join('\n')
}

/** @param told the beginning of a description that has been told already */
function questionTable(questions, told) {
  return [
    '| key | asked | default | what it is |',
    '|---|---|---|---|',
    ...questions.map((question) => {
      const { name, required, visible, default: otherwise, choices, description, must, secret } = question
      const asked = [condition(visible), required && 'required', secret && 'secret'].filter(Boolean).join('; ')
      const kind = choices ? choices.map((value) => `\`${value}\``).join(', ') + '. ' : ''
      const limits = choices || name === 'scopes' || must.startsWith('a line of text') ? '' : ` It must be ${must}.`
      const text = description.slice(told(question).length).trim()
      const shown = otherwise === undefined ? '' : `\`${otherwise}\``
      return `| \`${name}\` | ${asked} | ${shown} | ${inCell(kind + text + limits)} |`
    }),
  ]
}

/** In words, when a question is asked. */
function condition(visible) {
  if (visible === null) return ''
  if ('name' in visible) return `if \`${visible.name}\` is \`${visible.value}\``
  return visible.operands
    .map((operand) => condition(operand))
    .join(` ${visible.operator} `)
    .replaceAll(/(and|or) if/g, '$1')
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
