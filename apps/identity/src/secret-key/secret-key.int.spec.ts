import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readOrMakeSecretKey, ServerSettings, SettingsError } from '#libs/service'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import { identityUnderTest } from '../identity-under-test.conformance.js'
import { isKnown, resetSecretKey } from './known-secret-key.js'

const LOGIN = 'ClientId = keybearer\nClientSecret = secret\nOpenIDConnectIssuer = http://127.0.0.1:9\n'

describe('the key of encrypted settings', () => {
  const folder = mkdtempSync(join(tmpdir(), 'secret-key-'))
  let database: FreshDatabase

  beforeAll(async () => {
    database = await freshDatabase('identity')
  })
  afterAll(async () => {
    rmSync(folder, { recursive: true })
    await database.drop()
  })

  const start = async (file: string): Promise<void> => {
    const service = await identityUnderTest(database, `${LOGIN}[Server]\nSecretKeyFile = ${join(folder, file)}`)
    expect(service.app.get(ServerSettings).secretKeyFile).toBe(join(folder, file))
    await service.close()
  }

  it('CFG-11 is the same at every start, or identity refuses to start until the former one is forgotten', async () => {
    await start('none-yet')
    readOrMakeSecretKey(join(folder, 'first'))
    readOrMakeSecretKey(join(folder, 'second'))
    await start('first')
    await start('first')
    await expect(start('second')).rejects.toThrow(
      'Server.SecretKeyFile names a file with another key than this system began with. Put the former key back',
    )
    expect(await resetSecretKey(database.ownerUrl)).toBe(true)
    expect(await resetSecretKey(database.ownerUrl)).toBe(false)
    await start('second')
    await expect(start('first')).rejects.toThrow(SettingsError)
  })

  it('CFG-11 is known by its fingerprint only, and one of several that come at once is the first', async () => {
    await resetSecretKey(database.ownerUrl)
    const pool = database.pool()
    const fingerprints = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(64))
    const known = await Promise.all(fingerprints.map((fingerprint) => isKnown(pool, fingerprint)))
    expect(known.filter(Boolean)).toHaveLength(1)
  })

  it('I07 stops the start when others may read its file', async () => {
    writeFileSync(join(folder, 'open'), 'x', { mode: 0o644 })
    await expect(start('open')).rejects.toThrow(
      'Server.SecretKeyFile names a file that is open to others; its mode must be 0600',
    )
  })
})
