import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { Secret } from '#libs/contracts'
import { decryptValue, EncryptedValueError, encryptValue } from './encrypted-value.js'
import { SettingsError, settingsFrom } from './load-settings.js'
import { BootstrapSettings, OAuth2Settings, ServerSettings } from './sections/index.js'
import { findSecretKey, readOrMakeSecretKey, readSecretKey, SecretKey, secretKeyFileOf } from './secret-key.js'

const key = new SecretKey(Buffer.alloc(32, 1))
const other = new SecretKey(Buffer.alloc(32, 2))

describe('an encrypted value', () => {
  it('CFG-11 opens with its key, is different each time and shows nothing', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (text) => {
        const sealed = encryptValue(new Secret(text), key)
        expect(sealed).toMatch(/^keybearer1:[0-9a-f]{16}:[\w-]+$/)
        expect(encryptValue(new Secret(text), key)).not.toBe(sealed)
        expect(decryptValue(sealed, key).reveal()).toBe(text)
      }),
    )
  })

  it('CFG-11 does not open with another key, and says so', () => {
    const sealed = encryptValue(new Secret('hush'), key)
    expect(() => decryptValue(sealed, other)).toThrow(
      'was encrypted with another key than the one in Server.SecretKeyFile',
    )
    // Nor when it claims to be the other key's: the claim is authenticated.
    expect(() => decryptValue(sealed.replace(key.id, other.id), other)).toThrow('is encrypted but damaged')
  })

  it('CFG-11 does not open when a single character of it was changed', () => {
    const sealed = encryptValue(new Secret('hush'), key)
    const start = sealed.lastIndexOf(':') + 1
    // The last character may have bits that base64url does not use.
    for (let at = start; at < sealed.length - 1; at++) {
      const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1)
      expect(() => decryptValue(changed, key)).toThrow(EncryptedValueError)
    }
    for (const text of [`${sealed.slice(0, start)}AAAA`, sealed.slice(0, -8), 'keybearer1:zz:AAAA', 'keybearer1:']) {
      expect(() => decryptValue(text, key)).toThrow('is encrypted but damaged; encrypt it again')
    }
    expect(() => decryptValue(sealed.replace('keybearer1', 'keybearer2'), key)).toThrow('this version does not know')
  })
})

describe('the file of the key', () => {
  const folder = mkdtempSync(join(tmpdir(), 'secret-key-'))
  const file = join(folder, 'secret.key')
  afterAll(() => rmSync(folder, { recursive: true }))

  it('is made with mode 0600, once', () => {
    expect(findSecretKey(file)).toBeUndefined()
    const first = readOrMakeSecretKey(file)
    expect([first.made, statSync(file).mode & 0o777]).toEqual([true, 0o600])
    const second = readOrMakeSecretKey(file)
    expect([second.made, second.key.fingerprint]).toEqual([false, first.key.fingerprint])
    expect(findSecretKey(file)?.id).toBe(first.key.id)
  })

  it('has a fingerprint that tells keys apart and is not the key', () => {
    expect(key.fingerprint).toMatch(/^[0-9a-f]{64}$/)
    expect(key.fingerprint).not.toBe(other.fingerprint)
    expect(key.fingerprint).not.toContain(Buffer.alloc(32, 1).toString('hex'))
    expect(JSON.stringify(key)).toBe('{}')
  })

  it.each([
    ['a short key', `${Buffer.alloc(31, 1).toString('base64')}`],
    ['words', 'correct horse battery staple'],
    ['nothing', ''],
  ])('is refused when it holds %s', (_, text) => {
    writeFileSync(join(folder, 'bad'), text, { mode: 0o600 })
    expect(() => readSecretKey(join(folder, 'bad'))).toThrow('bad holds no key: it must be Base64 of 32 bytes.')
  })

  it('is the one that the settings name, even while they are not sound', () => {
    const config = join(folder, 'keybearer.gcfg')
    writeFileSync(config, 'not a line\n[server]\nsecretkeyfile = keys/one.key\n[OAuth2]\nClientSecret =')
    expect(secretKeyFileOf(config, {})).toBe(join(folder, 'keys/one.key'))
    expect(secretKeyFileOf(config, { KEYBEARER_SERVER_SECRETKEYFILE: '/two.key' })).toBe('/two.key')
    writeFileSync(config, '')
    expect(secretKeyFileOf(config, {})).toBe(file)
  })

  describe('with settings', () => {
    const read = (secret: string, more = '', chosen = [OAuth2Settings, BootstrapSettings, ServerSettings]) =>
      settingsFrom(`[OAuth2]\nClientId = keybearer\n${secret}\n${more}`, chosen, { folder })
    const sealed = (text: string) => encryptValue(new Secret(text), readSecretKey(file))

    it('CFG-11 opens ClientSecret, the content of ClientSecretFile and every other secret', () => {
      expect(
        read(`ClientSecret = ${sealed('hush')}`)
          .get(OAuth2Settings)
          .clientSecret?.reveal(),
      ).toBe('hush')
      writeFileSync(join(folder, 'client'), `${sealed('from the file')}\n`, { mode: 0o600 })
      const { clientSecret } = read('ClientSecretFile = client').get(OAuth2Settings)
      expect(clientSecret?.reveal()).toBe('from the file')
      expect(readFileSync(join(folder, 'client'), 'utf8')).not.toContain('from')
      const bytes = Buffer.alloc(32, 7)
      const bootstrap = `[Bootstrap]\nSecretKey = ${sealed(bytes.toString('base64'))}`
      expect(read('ClientSecret = x', bootstrap).get(BootstrapSettings).key()).toEqual(bytes)
      expect(() => read('ClientSecret = x', `[Bootstrap]\nSecretKey = ${sealed('short')}`)).toThrow(
        'line 5: Bootstrap.SecretKey must be Base64 of at least 32 bytes',
      )
    })

    it('is read by no process that does not use the secret', () => {
      const text = `[OAuth2]\nClientId = kb\nClientSecret = ${sealed('hush')}\n[Bootstrap]\nSecretKey = ${sealed('x')}`
      expect(() => settingsFrom(text, [ServerSettings], { folder: join(folder, 'elsewhere') })).not.toThrow()
    })

    it.each([
      ['missing', () => 'SecretKeyFile = none', 'names a file that cannot be read (ENOENT)'],
      [
        'open to others',
        () => {
          writeFileSync(join(folder, 'open'), readFileSync(file))
          chmodSync(join(folder, 'open'), 0o644)
          return 'SecretKeyFile = open'
        },
        'names a file that is open to others; its mode must be 0600',
      ],
      [
        'no key',
        () => {
          writeFileSync(join(folder, 'nonsense'), 'hidden', { mode: 0o600 })
          return 'SecretKeyFile = nonsense'
        },
        'names a file that holds no key: it must be Base64 of 32 bytes',
      ],
    ])('stops the start when it is %s', (_, line, problem) => {
      expect(() => read(`ClientSecret = ${sealed('hush')}`, `[Server]\n${line()}`)).toThrow(
        `line 3: OAuth2.ClientSecret is encrypted, but Server.SecretKeyFile ${problem}`,
      )
    })

    it('stops the start when the value is another key’s or damaged, and shows nothing of it', () => {
      const texts = [encryptValue(new Secret('hush'), other), `${sealed('hush')}AAAA`, 'keybearer9:hush']
      for (const text of texts) {
        try {
          read(`ClientSecret = ${text}`)
          throw new Error('it was read')
        } catch (error) {
          expect(error).toBeInstanceOf(SettingsError)
          expect((error as Error).message).toMatch(/line 3: OAuth2.ClientSecret (was|is) encrypted/)
          expect((error as Error).message).not.toContain(text)
        }
      }
    })
  })
})
