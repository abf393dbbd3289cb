import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import { identityUnderTest } from './identity-under-test.conformance.js'

const FOLDER = join(import.meta.dirname, '../../../docs/examples')

describe('identity', () => {
  let database: FreshDatabase

  beforeAll(async () => {
    database = await freshDatabase('identity')
  })
  afterAll(() => database.drop())

  it.each(readdirSync(FOLDER))('I13 starts with the example %s', async (file) => {
    const settingsText = readFileSync(join(FOLDER, file), 'utf8')
    const service = await identityUnderTest(database, undefined, { settingsText })
    expect((await service.request({ path: '/internal/jwks/actor' })).status).toBe(200)
    await service.close()
  })
})
