import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { jest } from '@jest/globals'
import { freePort } from '#libs/testing'
import { childEnvironment, DIST, House, newData, ROOT } from './house.js'

jest.setTimeout(120_000)

describe('npm start with a settings file', () => {
  const data = newData()
  let house: House | undefined
  let port: number

  beforeAll(async () => {
    port = await freePort()
  })
  afterEach(async () => {
    await house?.stop()
    house = undefined
  })
  afterAll(() => rm(data, { recursive: true, force: true }))

  async function start(config: string, ...args: readonly string[]): Promise<House> {
    house = await House.start({
      data,
      keep: true,
      args: ['--config', config, '--no-demo', ...args],
      environment: { KEYBEARER_HTTP_LISTEN: `127.0.0.1:${port}` },
    })
    return house
  }

  it('I13 starts with the example for Connect’s site as it stands, and shows each warning once', async () => {
    const { output, ...running } = await start(path.join(ROOT, 'docs/examples/connect-site.gcfg')).then((each) => ({
      output: each.output,
      logs: each.logs('identity'),
    }))
    expect((await fetch(`http://127.0.0.1:${port}/__ping__`)).status).toBe(200)
    const warnings = output.split('\n').filter((line) => line.startsWith('  warning: '))
    expect(warnings.length).toBeGreaterThan(0)
    expect(new Set(warnings).size).toBe(warnings.length)
    for (const warning of warnings) {
      const message = warning.replace('  warning: ', '')
      expect(running.logs).toContainEqual(expect.objectContaining({ level: 'info', message }))
    }
    expect(output.match(/has no meaning here|is missing/g) ?? []).toHaveLength(
      warnings.filter((line) => /has no meaning here|is missing/.test(line)).length,
    )
  })

  it('CFG-11 takes encrypted secrets, and no other key until it is told to', async () => {
    const config = path.join(data, 'encrypted.gcfg')
    const keyFile = path.join(data, 'secret.key')
    const settings = async () => `[Server]
Address = https://keybearer.example.com
[Authentication]
Provider = oauth2
[OAuth2]
ClientId = keybearer
ClientSecret = ${await encrypted('not-a-real-secret', keyFile)}
OpenIDConnectIssuer = https://id.example.com
`
    await writeFile(config, await settings())
    await start(config)
    await house?.stop()

    await rm(keyFile)
    await writeFile(config, await settings())
    await expect(start(config)).rejects.toThrow(
      'Server.SecretKeyFile names a file with another key than this system began with',
    )
    await start(config, '--reset-secret-key')
  })

  it('tells all faults at once, without a value', async () => {
    const config = path.join(data, 'faulty.gcfg')
    await writeFile(config, '[Server]\nAddress = hidden\nColour = hidden\n[Authorization]\nUserGroups = hidden\n')
    const refusal = await start(config).catch((error: Error) => error.message)
    expect(refusal).toContain('line 2: Server.Address must be')
    expect(refusal).toContain('line 3: Server.Colour is not a setting that we know')
    expect(refusal).toContain('line 5: Authorization.UserGroups must be true or false')
    expect(refusal).not.toContain('hidden')
  })
})

/** Through `keybearer encrypt-config-value`. */
async function encrypted(secret: string, keyFile: string): Promise<string> {
  const main = path.join(DIST, 'cli/src/main.js')
  const child = spawn(process.execPath, [main, 'encrypt-config-value', '--key-file', keyFile], {
    env: childEnvironment(),
  })
  child.stdin.end(secret)
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number]>])
  expect({ said, code }).toEqual({ said: expect.stringMatching(/^keybearer1:\S+\n$/) as string, code: 0 })
  return said.trim()
}
