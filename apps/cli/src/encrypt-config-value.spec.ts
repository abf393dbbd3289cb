import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OAuth2Settings, settingsFrom } from '#libs/service'
import { runCommandLine, type CommandFactory, type Surroundings } from './command-line.js'
import { encryptConfigValueFrom } from './encrypt-config-value.js'

const folder = mkdtempSync(join(tmpdir(), 'encrypt-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function run(build: CommandFactory['build'], argv: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const said = { out: '', notes: '' }
  const status = await runCommandLine(argv, [{ build }], {
    terminal: {
      out: (text) => void (said.out += text),
      note: (text) => void (said.notes += text),
      ask: () => Promise.resolve(undefined),
    },
    environment,
    operator: () => Promise.reject(new Error('nobody is asked')),
  })
  return { status, ...said }
}

const encrypt = (secret: string, argv: readonly string[], environment?: NodeJS.ProcessEnv) =>
  run(
    (surroundings: Surroundings) => encryptConfigValueFrom(surroundings, () => Promise.resolve(secret)),
    ['encrypt-config-value', ...argv],
    environment,
  )

describe('keybearer encrypt-config-value', () => {
  it('CFG-11 makes what opens again in the settings file, with a key file of mode 0600 that it makes at first', async () => {
    const config = join(folder, 'keybearer.gcfg')
    writeFileSync(config, '[Server]\nSecretKeyFile = my.key\n[OAuth2]\nnot finished yet')
    const first = await encrypt('hush hush\n', ['--config', config])
    expect(first).toMatchObject({ status: 0 })
    expect(first.notes).toContain(`Made the key ${join(folder, 'my.key')}`)
    expect(statSync(join(folder, 'my.key')).mode & 0o777).toBe(0o600)
    expect(first.out).toMatch(/^keybearer1:[0-9a-f]{16}:[\w-]+$/)
    expect(first.out + first.notes).not.toContain('hush')
    const second = await encrypt('hush hush', [], { KEYBEARER_CONFIG: config })
    expect(second).toMatchObject({ status: 0, notes: '' })
    expect(second.out).not.toBe(first.out)
    for (const { out } of [first, second]) {
      const text = `[Server]\nSecretKeyFile = my.key\n[OAuth2]\nClientId = kb\nClientSecret = ${out}`
      const { clientSecret } = settingsFrom(text, [OAuth2Settings], { folder }).get(OAuth2Settings)
      expect(clientSecret?.reveal()).toBe('hush hush')
      expect(text).not.toContain('hush')
    }
  })

  it.each([
    ['nothing', '\n', ['--key-file', 'KEY'], 1, 'There is no secret on standard input.'],
    ['two lines', 'one\ntwo\n', ['--key-file', 'KEY'], 1, 'A secret is one line of text.'],
    ['a settings file that is not there', 'x', ['--config', 'KEY-none'], 1, 'cannot be read (ENOENT)'],
    ['no settings file', 'x', [], 2, 'Say where the key is'],
    ['an argument', 'x', ['hush'], 2, 'too many arguments'],
  ])('refuses %s', async (_, secret, argv, status, words) => {
    const said = await encrypt(
      secret,
      argv.map((each) => each.replace('KEY', join(folder, 'KEY'))),
    )
    expect(said.status).toBe(status)
    expect(said.notes).toContain(words)
    expect(said.out).toBe('')
  })

  it('refuses a key file that others may read, and one that holds no key', async () => {
    writeFileSync(join(folder, 'open'), readFileSync(join(folder, 'my.key')), { mode: 0o644 })
    writeFileSync(join(folder, 'broken'), 'x', { mode: 0o600 })
    expect((await encrypt('x', ['--key-file', join(folder, 'open')])).notes).toContain('its mode must be 0600')
    expect((await encrypt('x', ['--key-file', join(folder, 'broken')])).notes).toContain('must be Base64 of 32 bytes')
  })
})
