import { Deployment } from './deployment.js'

const VAULT = {
  KEYBEARER_CONFIG: '/data/keybearer.gcfg',
  KEYBEARER_PORT: '4003',
  KEYBEARER_DATABASE_URL: 'postgres://vault:hush@127.0.0.1/vault',
  KEYBEARER_NATS_URL: 'nats://127.0.0.1:4222',
  KEYBEARER_KEY_FILE: '/data/keys/vault.json',
  KEYBEARER_SERVICE_KEYS: '/data/keys/services.json',
  KEYBEARER_SAFE_KEY_FILE: '/data/keys/safe.json',
  KEYBEARER_URL_IDENTITY: 'http://127.0.0.1:1/, http://127.0.0.1:2',
  KEYBEARER_URL_INTEGRATIONS: 'http://127.0.0.1:3',
  KEYBEARER_INSTANCE: 'vault-2',
}

describe('the deployment', () => {
  it('is read from the environment', () => {
    const deployment = Deployment.read('vault', VAULT)
    expect(deployment).toMatchObject({ service: 'vault', instance: 'vault-2', host: '127.0.0.1', port: 4003 })
    expect(deployment.urlsOf('identity')).toEqual(['http://127.0.0.1:1', 'http://127.0.0.1:2'])
    expect(deployment.databaseUrl.reveal()).toContain('hush')
    expect(JSON.stringify(deployment)).not.toContain('hush')
  })

  it('names everything that is missing or wrong, and no value', () => {
    const broken = { ...VAULT, KEYBEARER_PORT: 'hush', KEYBEARER_URL_IDENTITY: 'hush', KEYBEARER_KEY_FILE: '' }
    expect(() => Deployment.read('vault', broken)).toThrow(
      'The deployment of vault is refused: KEYBEARER_KEY_FILE is missing; KEYBEARER_PORT is not a port; ' +
        'KEYBEARER_URL_IDENTITY is not a list of URLs',
    )
  })

  it('tells identity where those are whom it asks', () => {
    expect(() => Deployment.read('identity', VAULT)).toThrow(/KEYBEARER_URL_VAULT is missing/)
  })

  it('gives a migration the owner’s database only', () => {
    const deployment = Deployment.forMigration('vault', { KEYBEARER_DATABASE_OWNER_URL: 'postgres://owner@x/vault' })
    expect(deployment.databaseOwnerUrl.reveal()).toBe('postgres://owner@x/vault')
    expect(() => deployment.databaseUrl).toThrow('vault needs KEYBEARER_DATABASE_URL')
  })
})
