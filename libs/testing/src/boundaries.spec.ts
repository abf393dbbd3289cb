import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const root = process.cwd()

/** A tree with what the tables allow. */
const sound = {
  'package.json': '{"type":"module"}',
  'tsconfig.spec.json': '{"compilerOptions":{"module":"nodenext"}}',
  'libs/oauth/src/index.ts': 'export const oauth = 1',
  'libs/contracts/src/index.ts': 'export const contract = 1',
  'libs/testing/src/index.ts': 'export const testing = 1',
  'apps/identity/src/user/user.queries.ts': 'export const user = 1',
  'apps/identity/src/user/user.entity.ts': 'export const entity = 1',
  'apps/identity/src/user/user.published.ts': `import { user } from './user.queries.js'
import { contract } from '#libs/contracts'
export const x = [user, contract]`,
  'apps/identity/src/user/user.spec.ts': `import { testing } from '#libs/testing'
export const x = testing`,
}

const planted: [what: string, file: string, text: string, rule: string][] = [
  [
    'one app in another',
    'apps/vault/src/a.ts',
    `import { user } from '../../identity/src/user/user.queries.js'; export const x = user`,
    'apps-never-import-apps',
  ],
  [
    'a library that the table does not give',
    'apps/integrations/src/a.ts',
    `import { oauth } from '#libs/oauth'; export const x = oauth`,
    'apps-integrations-imports-only-contracts-event-sourcing-messaging-service',
  ],
  [
    'a type alone',
    'libs/contracts/src/a.ts',
    `import type { oauth } from '#libs/oauth'; export type X = typeof oauth`,
    'libs-contracts-imports-only-no-library',
  ],
  [
    'the test kit in a service',
    'apps/vault/src/b.ts',
    `import { testing } from '#libs/testing'; export const x = testing`,
    'testing-is-for-specs',
  ],
  [
    'a row in a rule',
    'apps/identity/src/user/a.decider.ts',
    `import { entity } from './user.entity.js'; export const x = entity`,
    'suffix-decider',
  ],
  [
    'a file in a rule',
    'apps/identity/src/user/b.decider.ts',
    `import { readFileSync } from 'node:fs'; export const x = readFileSync`,
    'suffix-pure-built-ins',
  ],
  [
    'a row of another slice',
    'apps/identity/src/group/group.entity.ts',
    `import { entity } from '../user/user.entity.js'; export const x = entity`,
    'slices-reach-sideways-through-queries',
  ],
]

describe('the boundaries', () => {
  let folder: string
  const violations = new Map<string, string[]>()

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'keybearer-boundaries-'))
    const libraries = `{ alias: { '#libs/*': '${folder}/libs/*/src/index.ts' }, extensions: ['.ts'] }`
    const all: Record<string, string> = {
      ...sound,
      'scripts/resolve-libraries.cjs': `module.exports = { resolve: ${libraries} }`,
      ...Object.fromEntries(planted.map(([, file, text]) => [file, text])),
    }
    for (const [file, text] of Object.entries(all)) {
      mkdirSync(path.join(folder, path.dirname(file)), { recursive: true })
      writeFileSync(path.join(folder, file), text)
    }
    const program = realpathSync(path.join(root, 'node_modules/.bin/depcruise'))
    const options = ['--config', path.join(root, '.dependency-cruiser.cjs'), '--output-type', 'json', 'apps', 'libs']
    const { stdout, stderr } = spawnSync(process.execPath, [program, ...options], { cwd: folder, encoding: 'utf8' })
    if (!stdout) throw new Error(stderr)
    const { summary } = JSON.parse(stdout) as { summary: { violations: { from: string; rule: { name: string } }[] } }
    for (const { from, rule } of summary.violations) violations.set(from, [...(violations.get(from) ?? []), rule.name])
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('have nothing against what the tables allow', () => {
    for (const file of Object.keys(sound)) expect(violations.get(file)).toBeUndefined()
  })

  it.each(planted)('refuse %s', (_, file, __, rule) => {
    expect(violations.get(file)).toContain(rule)
  })
})
