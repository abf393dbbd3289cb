import { createPrivateKey, createPublicKey, sign, verify, type JsonWebKey } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { CALLERS, TOKEN_TYP } from '#libs/contracts'
import { makeKeys, password, type KeyFiles } from './keys.js'

let folder: string
let files: KeyFiles
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'keybearer-keys-'))
  files = await makeKeys(folder)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const keysOf = async (file: string) => (JSON.parse(await readFile(file, 'utf8')) as { keys: JsonWebKey[] }).keys

describe('the keys of a first start', () => {
  it('are for their owner only', async () => {
    const all = [...Object.values(files.service), files.serviceKeys, files.token, files.login, files.safe]
    for (const file of all) expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it('let every service verify what another has signed, and publish no private part', async () => {
    const published = await keysOf(files.serviceKeys)
    expect(published.map(({ kid }) => kid)).toEqual([...CALLERS])
    for (const service of CALLERS) {
      const [key] = await keysOf(files.service[service])
      const open = published.find(({ kid }) => kid === service)!
      expect(open.d).toBeUndefined()
      const signature = sign(null, Buffer.from('x'), createPrivateKey({ key: key!, format: 'jwk' }))
      expect(verify(null, Buffer.from('x'), createPublicKey({ key: open, format: 'jwk' }), signature)).toBe(true)
    }
  })

  it('stay the same at the next start', async () => {
    const read = () =>
      Promise.all(
        Object.values({ ...files, ...files.service, service: files.login }).map((file) => readFile(file, 'utf8')),
      )
    const before = await read()
    await makeKeys(folder)
    expect(await read()).toEqual(before)
    expect(await password(folder, 'nats')).toBe(await password(folder, 'nats'))
  })

  it('get what they lack where an installation is older, and keep what they have', async () => {
    const before = await keysOf(files.token)
    const older = before.filter((key) => (key as { key_ops_typ?: string }).key_ops_typ !== TOKEN_TYP.contentId)
    await writeFile(files.token, JSON.stringify({ keys: older }))
    await makeKeys(folder)
    const after = await keysOf(files.token)
    expect(after.slice(0, -1)).toEqual(older)
    expect(after.at(-1)).toMatchObject({ kty: 'RSA', alg: 'RS256', key_ops_typ: 'JWT' })
    expect(Buffer.from(after.at(-1)!.n!, 'base64url')).toHaveLength(256)
    expect((await stat(files.token)).mode & 0o777).toBe(0o600)
  })
})
