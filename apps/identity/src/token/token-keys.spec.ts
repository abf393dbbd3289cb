import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, type JWK } from 'jose'
import { TOKEN_TYP } from '#libs/contracts'
import { readLoginKey } from '../login/login-key.js'
import { TokenKeys } from './token-keys.js'

const keyFor = async (typ: string, kid: string, alg = 'Ed25519'): Promise<JWK & { key_ops_typ: string }> => {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  return { ...(await exportJWK(privateKey)), kid, use: 'sig', key_ops_typ: typ }
}

describe('identity’s signing keys', () => {
  it('sign one kind of token each, and publish no private half', async () => {
    const keys = await TokenKeys.fromKeys([
      await keyFor(TOKEN_TYP.actor, 'a1'),
      await keyFor(TOKEN_TYP.actor, 'a2'),
      await keyFor(TOKEN_TYP.userSession, 's1'),
      await keyFor(TOKEN_TYP.contentSession, 'c1'),
      await keyFor(TOKEN_TYP.contentId, 'i1', 'RS256'),
      await keyFor(TOKEN_TYP.contentId, 'i2', 'RS256'),
    ])
    const token = await keys.sign(TOKEN_TYP.actor, { iss: 'identity', aud: 'vault' }, 60)
    const actorKeys = keys.jwks(TOKEN_TYP.actor)
    const verified = await jwtVerify(token, createLocalJWKSet(actorKeys as never), {
      typ: TOKEN_TYP.actor,
      audience: 'vault',
    })
    expect(verified.protectedHeader).toEqual({ alg: 'EdDSA', typ: TOKEN_TYP.actor, kid: 'a1' })
    expect(verified.payload.exp! - verified.payload.iat!).toBe(60)
    expect(actorKeys.keys.map(({ kid }) => kid)).toEqual(['a1', 'a2'])
    expect(actorKeys.keys.every((key) => !('d' in key) && !('key_ops_typ' in key))).toBe(true)
    const sessionKeys = createLocalJWKSet(keys.jwks(TOKEN_TYP.userSession) as never)
    await expect(jwtVerify(token, sessionKeys)).rejects.toThrow()
    const idToken = await keys.sign(TOKEN_TYP.contentId, { sub: 'content:x' }, 60)
    const published = keys.jwks(TOKEN_TYP.contentId)
    const { protectedHeader } = await jwtVerify(idToken, createLocalJWKSet(published as never))
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'i1' })
    expect(published.keys.map((key) => Object.keys(key).sort())).toEqual([
      ['alg', 'e', 'kid', 'kty', 'n', 'use'],
      ['alg', 'e', 'kid', 'kty', 'n', 'use'],
    ])
  })

  it('are all needed', async () => {
    await expect(TokenKeys.fromKeys([await keyFor(TOKEN_TYP.actor, 'a1')], 'the file')).rejects.toThrow(
      'the file has no key for keybearer-user-session+jwt',
    )
  })

  describe('in a file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tokens-'))
    afterAll(() => rmSync(folder, { recursive: true }))

    it.each([
      ['that others may read', '{"keys":[]}', 0o644, 'its mode must be 0600'],
      ['that is no JSON', '{"d":"hush"', 0o600, 'is not JSON'],
    ])('are refused when it is one %s', async (_, content, mode, message) => {
      const file = join(folder, 'tokens.json')
      writeFileSync(file, content)
      chmodSync(file, mode)
      const refused = TokenKeys.fromFile(file)
      await expect(refused).rejects.toThrow(message)
      await expect(refused).rejects.not.toThrow('hush')
    })

    it('so is the key of logins when others may read it', () => {
      const file = join(folder, 'login')
      writeFileSync(file, Buffer.alloc(32, 7).toString('base64'))
      chmodSync(file, 0o600)
      expect(readLoginKey(file).reveal()).toBe(Buffer.alloc(32, 7).toString('base64'))
      chmodSync(file, 0o640)
      expect(() => readLoginKey(file)).toThrow(`${file} is open to others`)
    })
  })
})
