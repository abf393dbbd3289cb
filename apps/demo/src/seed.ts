import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { bootstrap, callApi, UnexpectedAnswer, until, vendorIntegration } from './api.js'
import { Browser } from './browser.js'
import { type DemoSecrets, readJson, writeJson, writeText } from './files.js'
import { PEOPLE } from './people.js'
import { VENDOR_CLIENT } from './vendor.js'

/** What is to be found in `DATA/demo.json`. */
export interface DemoFacts {
  address: string
  oidcIssuer: string
  vendorUrl: string
  contentAppUrl: string
  /** The first administrator's; also the owner's key of the demo's content. */
  adminApiKey: string
  integrationGuid: string
  contentGuid: string
  /** What to open in a browser. */
  contentUrl: string
  people: { username: string; name: string; groups: readonly string[] }[]
  /** Whether everybody has got the role that `PEOPLE` says. */
  rolesGiven: true
}

export const factsFile = (data: string): string => join(data, 'demo.json')

/** Where the content app finds its `CONNECT_API_KEY`. */
export const contentApiKeyFile = (data: string): string => join(data, 'demo', 'content-api-key')

export interface SeedOptions {
  readonly data: string
  readonly places: Pick<DemoFacts, 'address' | 'oidcIssuer' | 'vendorUrl' | 'contentAppUrl'>
  readonly secrets: DemoSecrets
}

/**
 * Puts an administrator, an integration and a content item into a new Keybearer. What was done is written down at
 * once, so that a repeat does nothing and a seed that was cut short goes on where it stopped.
 */
export async function seed({ data, places, secrets }: SeedOptions): Promise<DemoFacts> {
  const { address, vendorUrl, contentAppUrl } = places
  const known = readJson<Partial<DemoFacts>>(factsFile(data)) ?? {}
  const facts: Partial<DemoFacts> = { ...known }
  const note = (news: Partial<DemoFacts>): void => writeJson(factsFile(data), Object.assign(facts, news))

  await until(`${address}/__ping__ answers 200`, 60, async () =>
    fetch(`${address}/__ping__`).then(
      ({ status }) => status === 200,
      () => false,
    ),
  )
  const adminApiKey = known.adminApiKey ?? (await firstAdministrator(address, secrets))
  note({ adminApiKey })
  writeText(contentApiKeyFile(data), `${adminApiKey}\n`)
  const call = <T>(method: string, path: string, body: unknown, once?: string) =>
    callApi<T>(address, method, path, {
      authorization: `Key ${adminApiKey}`,
      body,
      ...(once !== undefined && { idempotencyKey: `demo-seed-${digest([once, body])}` }),
    })

  if (!facts.integrationGuid || known.vendorUrl !== vendorUrl) {
    const client = { id: VENDOR_CLIENT, secret: secrets.vendorClientSecret }
    const integration = vendorIntegration('Acme Data', vendorUrl, client)
    const { guid } = await call<{ guid: string }>('POST', '/v1/oauth/integrations', integration, 'integration')
    note({ integrationGuid: guid, vendorUrl })
  }
  if (!facts.contentGuid) {
    const content = { name: 'demo-app', title: 'Who does Acme Data say I am?', access_type: 'logged_in' }
    const { guid } = await call<{ guid: string }>('POST', '/v1/content', content, 'content')
    note({ contentGuid: guid })
  }
  const contentUrl = `${address}/content/${facts.contentGuid}/`
  if (known.contentUrl !== contentUrl || known.contentAppUrl !== contentAppUrl || known.vendorUrl !== vendorUrl) {
    const running = { upstream_url: contentAppUrl, app_mode: 'python-streamlit' }
    await call('PATCH', `/v1/content/${facts.contentGuid}`, running)
    const associations = [{ oauth_integration_guid: facts.integrationGuid }]
    await call('PUT', `/v1/content/${facts.contentGuid}/oauth/integrations/associations`, associations)
  }
  if (!facts.rolesGiven) {
    for (const { username, role } of PEOPLE) {
      if (role === undefined) continue
      await introduce(address, username)
      const { results } = await call<{ results: { guid: string; username: string }[] }>(
        'GET',
        `/v1/users?prefix=${username}`,
        undefined,
      )
      const user = results.find((found) => found.username === username)
      if (!user) throw new Error(`${username} has logged in, but is not among the users`)
      await call('PUT', `/v1/users/${user.guid}`, { user_role: role })
    }
    note({ rolesGiven: true })
  }
  const people = PEOPLE.map(({ username, givenName, familyName, groups }) => ({
    username,
    name: `${givenName} ${familyName}`,
    groups,
  }))
  note({ ...places, contentUrl, people })
  return facts as DemoFacts
}

/** Logs somebody in and out: Keybearer knows people from their first login on. */
async function introduce(address: string, username: string): Promise<void> {
  const browser = new Browser()
  try {
    await browser.get(`${address}/__login__`)
    await browser.submit({ username })
    await browser.get(`${address}/__logout__`)
  } finally {
    await browser.close()
  }
}

async function firstAdministrator(address: string, { bootstrapSecretKey }: DemoSecrets): Promise<string> {
  try {
    return await bootstrap(address, bootstrapSecretKey)
  } catch (error) {
    if (!(error instanceof UnexpectedAnswer) || error.code !== 165) throw error
    throw new Error('this system has an administrator, but demo.json has no key of theirs; use another --data', {
      cause: error,
    })
  }
}

const digest = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32)
