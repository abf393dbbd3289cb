import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { jest } from '@jest/globals'
import { bootstrap, callApi } from '../../demo/src/api.js'
import { World } from './world.js'

jest.setTimeout(120_000)

// As people have them in their notes; only the host, the key and the guids are others.
const HOST = 'https://connect.example.org'
const ASSOCIATE = `curl -H "Authorization: Key \${CONNECT_API_KEY}" \\
-XPUT https://connect.example.org/__api__/v1/content/<content-guid>/oauth/integrations/associations \\
--data '[
{"oauth_integration_guid": "<oauth-integration-guid>"}
]'`
const CREATE_OLDER = `curl -H "Authorization: Key \${CONNECT_API_KEY}" -XPOST https://connect.example.org/__api__/v1/oauth/integrations \\
--data '{
"client_id": "<my-databricks-oauth-app-client-id>",
"client_secret": "<my-client-secret>",
"tenant_id": "<my-azure-tenant-id>",
"description": "A helpful description for Publishers to use when choosing an OAuth integration for their content.",
"default_scopes": ["2ff814a6-3304-4ab8-85cb-cd0e6f879c1d/.default", "offline_access"]
}'`
const CREATE = `curl -H "Authorization: Key \${CONNECT_API_KEY}" \\
-XPOST https://connect.example.org/__api__/v1/oauth/integrations \\
--data '{
"template": "databricks",
"description": "A helpful description for publishers to use when choosing an OAuth integration for their content.",
"name": "Databricks OAuth integration",
"config": {
"auth_mode": "Confidential",
"auth_type": "Viewer",
"workspace_host": "cust-success.cloud.databricks.com",
"client_id": "<databricks-client-id>",
"client_secret": "<databricks-client-secret>"
}
}'`

interface Answer {
  readonly status: number
  readonly text: string
}

interface Integration {
  readonly guid: string
  readonly config: Readonly<Record<string, unknown>>
}

describe('the command lines of the guides', () => {
  const hasCurl = spawnSync('curl', ['--version']).status === 0
  let world: World
  let key: string
  let home: string
  let databricks: string

  beforeAll(async () => {
    home = mkdtempSync(path.join(tmpdir(), 'keybearer-curl-'))
    // The lines stand as they are: what a test wants besides is in curl's own settings.
    writeFileSync(path.join(home, '.curlrc'), 'silent\nshow-error\nwrite-out = "\\n%{http_code}"\n')
    world = await World.start()
    key = await bootstrap(world.address, world.secrets.bootstrapSecretKey)
  })
  afterAll(async () => {
    await world?.stop()
    await rm(home, { recursive: true })
  })

  async function run(line: string, replaced: Readonly<Record<string, string>> = {}, apiKey = key): Promise<Answer> {
    const command = Object.entries({ [HOST]: world.address, ...replaced }).reduce(
      (text, [from, to]) => text.replaceAll(from, to),
      line,
    )
    if (!hasCurl) return await asCurlWould(command, apiKey)
    const env = { PATH: process.env.PATH, HOME: home, CURL_HOME: home, CONNECT_API_KEY: apiKey }
    const { stdout, stderr } = spawnSync('/bin/sh', ['-c', command], { env, encoding: 'utf8' })
    const [, text = '', status = ''] = /^([^]*)\n(\d{3})$/.exec(stdout) ?? []
    if (status === '') throw new Error(`curl said: ${stderr}`)
    return { text, status: Number(status) }
  }

  it('API-01 API-02 API-04 TPL-17 TPL-18 INT-22 make an integration of a template', async () => {
    const { status, text } = await run(CREATE)
    expect(status).toBe(200)
    const made = JSON.parse(text) as Integration
    databricks = made.guid
    expect(made).toMatchObject({
      guid: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      template: 'databricks',
      name: 'Databricks OAuth integration',
      auth_type: 'Viewer',
      config: {
        auth_mode: 'Confidential',
        auth_type: 'Viewer',
        workspace_host: 'cust-success.cloud.databricks.com',
        client_id: '<databricks-client-id>',
      },
    })
    expect(text).not.toContain('databricks-client-secret')
    const authorization = `Key ${key}`
    expect(await callApi(world.address, 'GET', `/v1/oauth/integrations/${databricks}`, { authorization })).toEqual(made)
  })

  it('API-02 API-04 TPL-16 make one in the shape of before there were templates', async () => {
    const { status, text } = await run(CREATE_OLDER, { '<my-azure-tenant-id>': '72f988bf-86f1-41af-91ab-2d7cd011db47' })
    expect(status).toBe(200)
    expect(JSON.parse(text)).toMatchObject({
      template: 'azure',
      description: 'A helpful description for Publishers to use when choosing an OAuth integration for their content.',
      config: {
        client_id: '<my-databricks-oauth-app-client-id>',
        tenant_id: '72f988bf-86f1-41af-91ab-2d7cd011db47',
        scopes: '2ff814a6-3304-4ab8-85cb-cd0e6f879c1d/.default offline_access',
      },
    })
    expect(text).not.toContain('my-client-secret')
  })

  it('TPL-05 name the right field to whoever has the wrong one from a table', async () => {
    const { status, text } = await run(CREATE, { workspace_host: 'workspace_hostname' })
    expect(status).toBe(400)
    expect(JSON.parse(text)).toMatchObject({ code: 228, error: expect.stringMatching(/workspace_host\b/) as string })
  })

  it('API-03 API-04 ASC-01 associate it with content', async () => {
    const authorization = `Key ${key}`
    const body = { name: 'by-curl' }
    const { guid } = await callApi<Integration>(world.address, 'POST', '/v1/content', { authorization, body })
    const answer = await run(ASSOCIATE, { '<content-guid>': guid, '<oauth-integration-guid>': databricks })
    expect(answer).toEqual({ status: 204, text: '' })
    const path = `/v1/content/${guid}/oauth/integrations/associations`
    expect(await callApi(world.address, 'GET', path, { authorization })).toMatchObject([
      { content_guid: guid, oauth_integration_guid: databricks, oauth_integration_template: 'databricks' },
    ])
  })

  it('API-01 are refused with 401 without a key that is good', async () => {
    const { status, text } = await run(CREATE, {}, 'x'.repeat(32))
    expect([status, (JSON.parse(text) as { code: number }).code]).toEqual([401, 30])
  })
})

/** The request that the line stands for, where there is no curl. */
async function asCurlWould(command: string, key: string): Promise<Answer> {
  const [, method = ''] = / -X(\w+)|\n-X(\w+)/.exec(command)?.filter(Boolean) ?? []
  const [url = ''] = /https?:\/\/\S+/.exec(command) ?? []
  const [, body = ''] = /--data '([^']*)'/.exec(command) ?? []
  // curl takes the line breaks of `--data` as they are, and labels all of it as a form.
  const headers = { authorization: `Key ${key}`, 'content-type': 'application/x-www-form-urlencoded' }
  const response = await fetch(url, { method, headers, body })
  return { status: response.status, text: await response.text() }
}
