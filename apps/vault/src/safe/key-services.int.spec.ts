import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { AwsKms } from './aws-kms.js'
import { KeyServiceError, type KeyService } from './key-service.js'
import { FakeAwsKms, FakeTransit, refusedByAws } from './key-services.fixture.js'
import { VaultTransit } from './vault-transit.js'

const folder = mkdtempSync(join(tmpdir(), 'keybearer-kms-'))
const tokenFile = join(folder, 'token')
writeFileSync(tokenFile, 's.token\n', { mode: 0o600 })
// Where AWS's client looks for credentials, and what it must not find on the machine of whoever runs this.
Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' })
const aws = await new FakeAwsKms().start()
const transit = await new FakeTransit().start()
afterAll(async () => {
  await Promise.all([aws.stop(), transit.stop()])
  rmSync(folder, { recursive: true })
})

const context = { purpose: 'keybearer safe', version: '2' }
const awsKms = (key = 'alias/keybearer') => new AwsKms({ key, region: 'eu-central-1', endpoint: aws.url })
const vaultTransit = (key = 'keybearer') => new VaultTransit({ address: transit.url, mount: 'transit', key, tokenFile })

describe.each([
  ['aws-kms', aws, awsKms, refusedByAws('DisabledException'), 'aws-kms: DisabledException'],
  ['vault-transit', transit, vaultTransit, { status: 503, body: {} }, 'vault-transit: decrypt was answered with 503'],
] as const)('VAULT keys wrapped by %s', (name, fake, serviceOf, fault, message) => {
  const service: KeyService = serviceOf()
  afterEach(() => (fake.fault = undefined))

  it('come back as they were', async () => {
    const key = randomBytes(32)
    const wrapped = await service.wrap(Buffer.from(key), context)
    expect(wrapped).not.toContain(key.toString('base64'))
    expect(await service.unwrap(wrapped, context)).toEqual(key)
    expect(service.name).toBe(name)
  })

  it('are good for one purpose and version', async () => {
    const wrapped = await service.wrap(randomBytes(32), context)
    await expect(service.unwrap(wrapped, { ...context, version: '3' })).rejects.toThrow(KeyServiceError)
  })

  it('do not come back from another key', async () => {
    const wrapped = await service.wrap(randomBytes(32), context)
    await expect(serviceOf('other').unwrap(wrapped, context)).rejects.toThrow(KeyServiceError)
  })

  it('say who refused and why, and nothing of the key', async () => {
    const key = randomBytes(32)
    const wrapped = await service.wrap(Buffer.from(key), context)
    fake.fault = fault
    const refusal: unknown = await service.unwrap(wrapped, context).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(KeyServiceError)
    expect((refusal as Error).message).toBe(message)
    expect(inspect(refusal, { depth: 3 })).not.toContain(key.toString('base64'))
    fake.fault = 'cut'
    await expect(service.unwrap(wrapped, context)).rejects.toThrow(KeyServiceError)
  })
})

describe('the transit engine', () => {
  it('is asked with the token of the moment, from a file that nobody else may read', async () => {
    transit.token = 's.renewed'
    await expect(vaultTransit().wrap(randomBytes(32), context)).rejects.toThrow('encrypt was answered with 403')
    writeFileSync(tokenFile, 's.renewed')
    await vaultTransit().wrap(randomBytes(32), context)
    chmodSync(tokenFile, 0o644)
    await expect(vaultTransit().wrap(randomBytes(32), context)).rejects.toThrow('its mode must be 0600')
  })

  it('must be https unless it is on this machine', () => {
    const options = { mount: 'transit', key: 'k', tokenFile }
    expect(() => new VaultTransit({ ...options, address: 'http://vault.example:8200' })).toThrow('must be https')
  })
})
