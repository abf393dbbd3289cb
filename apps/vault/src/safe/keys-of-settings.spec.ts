import { Secret } from '#libs/contracts'
import { Deployment, SafeSettings, SECTIONS, settingsFrom } from '#libs/service'
import { keysOfSettings } from './keys-of-settings.js'

const LOGIN = `[OAuth2]\nClientId = x\nClientSecret = x\nOpenIDConnectIssuer = https://op.example\n`
const TRANSIT = 'TransitAddress = https://bao.example:8200\nTransitKey = k\nTransitTokenFile = /run/token\n'

const read = (safe: string, address = 'https://kb.example', more = '') =>
  settingsFrom(`[Server]\nAddress = ${address}\n${LOGIN}[Safe]\n${safe}\n${more}`, SECTIONS).get(SafeSettings)
const deployment = new Deployment({ service: 'vault', safeKeyFile: '/keys.json', safeKeys: new Secret('{}') })

describe('where the keys of the safe come from', () => {
  it('is a file unless something else is said', () => {
    expect(keysOfSettings(deployment, read(''))).toMatchObject({ provider: 'file', file: '/keys.json', services: [] })
  })

  it.each([
    ['aws-kms', 'KeyProvider = aws-kms\nAwsKmsKey = alias/x', ['aws-kms']],
    ['vault-transit', `KeyProvider = vault-transit\n${TRANSIT}`, ['vault-transit']],
    [
      'both, and the file, while they change',
      `KeyProvider = aws-kms\nAwsKmsKey = x\n${TRANSIT}`,
      ['aws-kms', 'vault-transit'],
    ],
  ])('is %s', (_what, text, names) => {
    const { services, file } = keysOfSettings(deployment, read(text))
    expect([services?.map(({ name }) => name), file]).toEqual([names, '/keys.json'])
  })

  it('is the environment in development only', () => {
    const text = 'KeyProvider = environment'
    expect(() => read(text)).toThrow('it needs Development.Loopback')
    const {
      provider,
      file,
      text: ring,
    } = keysOfSettings(deployment, read(text, 'http://localhost:3939', '[Development]\nLoopback = true'))
    expect([provider, file, ring?.reveal()]).toEqual(['environment', undefined, '{}'])
  })

  it.each([
    ['KeyProvider = gcp-kms', 'must be one of file, environment, aws-kms, vault-transit'],
    ['KeyProvider = aws-kms', 'needs Safe.AwsKmsKey'],
    [
      'KeyProvider = vault-transit\nTransitKey = k',
      'needs Safe.TransitAddress, Safe.TransitKey and Safe.TransitTokenFile',
    ],
    ['KeyLifetime = 48h', 'must be at most 24h'],
    ['TransitTokenFile = token', 'must be an absolute path'],
    ['TransitAddress = bao', 'must be an address'],
  ])('is refused when it says %j', (text, message) => {
    expect(() => read(text)).toThrow(message)
  })
})
