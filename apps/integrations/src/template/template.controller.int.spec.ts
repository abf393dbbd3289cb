import { readFileSync } from 'node:fs'
import { integrationContract, type Actor } from '#libs/contracts'
import { flawsOf } from '#libs/messaging'
import { INTEGRATIONS, newHouse, type House } from '../house.fixture.js'
import { TEMPLATES } from './registry.js'
import type { TemplateView, VisibilityExpression } from './template.dto.js'

const PATH = '/__api__/v1/oauth/templates'

let house: House
let alice: Actor
let priya: Actor
let vera: Actor

beforeAll(async () => {
  house = await newHouse()
  alice = await house.person('administrator')
  priya = await house.person('publisher')
  vera = await house.person('viewer')
})
afterAll(() => house?.close())

const list = async (): Promise<TemplateView[]> => (await house.get(PATH, priya)).json<TemplateView[]>()
const find = async (id: string): Promise<TemplateView> => (await list()).find((one) => one.id === id)!

/** The forms of a golden file. */
const formsOf = (id: string): Record<string, unknown>[] =>
  readFileSync(new URL(`${id}.golden.txt`, import.meta.url), 'utf8')
    .split('====')
    .map((one) => JSON.parse(one.split('----')[0]!) as Record<string, unknown>)

const visible = (expression: VisibilityExpression | null, config: Record<string, unknown>): boolean => {
  if (expression === null) return true
  const { name, value, operator, operands = [] } = expression
  if (name !== undefined) return config[name] === value
  return operator === 'and'
    ? operands.every((one) => visible(one, config))
    : operands.some((one) => visible(one, config))
}

describe('templates at the service’s edge', () => {
  it('INT-31 are listed for publishers and administrators, and each is shown alike alone', async () => {
    const templates = await list()
    expect(templates.map(({ id }) => id)).toEqual(TEMPLATES.map(({ id }) => id))
    for (const template of templates)
      expect((await house.get(`${PATH}/${template.id}`, alice)).json()).toEqual(template)
    expect((await house.get(PATH, vera)).json()).toMatchObject({ code: 22 })
    expect((await house.get(`${PATH}/custom`, vera)).json()).toMatchObject({ code: 22 })
  })

  it.each(['nothing', 'Custom', '__proto__', 'custom%20'])('answer 404 and 227 for %s', async (key) => {
    const answer = await house.get(`${PATH}/${key}`, priya)
    expect([answer.status, answer.json().code]).toEqual([404, 227])
  })

  it('have exactly the members that clients know', async () => {
    for (const template of await list()) {
      expect(Object.keys(template)).toEqual([
        ...['id', 'name', 'description', 'sections', 'options', 'fields', 'environment_variables'],
      ])
      for (const section of template.sections) {
        expect(Object.keys(section)).toEqual(['id', 'order', 'name', 'description'])
      }
      for (const option of template.options) {
        expect(Object.keys(option).sort()).toEqual([
          ...['default', 'description', 'label', 'name', 'order', 'type', 'values', 'visibility_expression'],
        ])
      }
      for (const field of template.fields) {
        expect(Object.keys(field).sort()).toEqual([
          ...['default', 'description', 'label', 'multiline', 'name', 'order', 'secret'],
          ...['validation', 'validation_description', 'visibility_expression'],
        ])
      }
    }
  })

  it('PERS-04 tell the redirect URL, ready to copy, where viewers are sent to a vendor', async () => {
    for (const { id, sections, options } of await list()) {
      const viewer = options.find(({ name }) => name === 'auth_type')?.values.includes('Viewer')
      const told = sections.some(({ description }) => / http\S+\/__oauth__\/integrations\/callback$/.test(description))
      expect([id, told]).toEqual([id, viewer])
    }
  })

  it('SVC-04 ask a service account about no redirect URL, and say that it is for viewers', async () => {
    for (const { sections, options, fields } of await list()) {
      for (const { description } of sections) expect(description).toMatch(/^Before viewers can consent/)
      const aboutIt = [...options, ...fields].filter(({ label, description }) => /redirect/i.test(label + description))
      for (const { visibility_expression } of aboutIt) {
        expect(visible(visibility_expression, { auth_type: 'Viewer', auth_mode: 'Confidential' })).toBe(true)
        expect(visible(visibility_expression, { auth_type: 'Service Account', auth_mode: 'Confidential' })).toBe(false)
      }
    }
  })

  it.each(
    TEMPLATES.filter(({ authTypes, id }) => authTypes.includes('Service Account') && id !== 'aws').map(({ id }) => id),
  )('SVC-04 SVC-05 %s: a service account has no redirect URL and needs a client secret', async (id) => {
    const form = formsOf(id).find(({ auth_type }) => auth_type === 'Service Account')
    const post = (changes: object) => house.post(INTEGRATIONS, alice, { template: id, config: { ...form, ...changes } })
    const made = await post({})
    expect(made.status).toBe(200)
    expect(made.text).not.toMatch(/callback|redirect/)
    for (const changes of [{ client_secret: undefined }, { client_secret: '' }, { auth_mode: 'Public' }]) {
      const refused = await post(changes)
      expect([refused.status, refused.json().code, refused.json().error]).toEqual([
        ...[400, 228, expect.stringMatching(/client.secret/)],
      ])
    }
  })

  it('INT-29 INT-18 PERS-15 draw the form of Azure', async () => {
    const { options, fields } = await find('azure')
    const usual = options.filter(({ default: otherwise }) => otherwise !== null)
    expect(usual.map(({ name, type, default: otherwise }) => [name, type, otherwise])).toEqual([
      ['auth_type', 'select', 'Viewer'],
      ['auth_mode', 'select', 'Confidential'],
      ['auth_mode', 'select', 'Confidential'],
    ])
    expect(options[0]?.description).toMatch(/all publishers and all viewers get the permissions/)
    const asked = fields.filter(({ visibility_expression }) =>
      visible(visibility_expression, { auth_type: 'Viewer', auth_mode: 'Confidential' }),
    )
    expect(asked.map(({ name, secret }) => [name, secret])).toEqual([
      ['tenant_id', false],
      ['authority_host', false],
      ['client_id', false],
      ['client_secret', true],
      ['scopes', false],
    ])
  })

  it.each(TEMPLATES.map(({ id }) => id))(
    '%s: forms that the list says are good are taken, and published',
    async (id) => {
      const { options, fields } = await find(id)
      for (const form of formsOf(id)) {
        const config: Record<string, unknown> = {}
        for (const { name, values, default: otherwise, visibility_expression } of options) {
          if (!visible(visibility_expression, config)) continue
          const value = form[name] ?? otherwise
          if (value === null) continue
          expect(values).toContain(value)
          config[name] = value
        }
        for (const { name, validation, default: otherwise, visibility_expression } of fields) {
          if (!visible(visibility_expression, config)) continue
          const value = form[name] ?? otherwise
          expect(value).toMatch(new RegExp(validation))
          if (value !== '') config[name] = value
        }
        const answer = await house.post(INTEGRATIONS, alice, { template: id, name: id, config })
        expect(answer.status).toBe(200)
        const { client_secret: _, ...kept } = config
        const { guid, config: shown } = answer.json<{ guid: string; config: Record<string, unknown> }>()
        expect(Object.keys(shown).sort()).toEqual(Object.keys(kept).sort())
        const published = await house.service.request({
          path: `/internal/published/integration/${guid}`,
          caller: 'vault',
        })
        expect(flawsOf(integrationContract, published.json())).toEqual([])
        expect(published.text).not.toContain((form as { client_secret?: string }).client_secret ?? 'canary')
      }
    },
  )

  it.each(TEMPLATES.filter(({ id }) => id !== 'connect').map(({ id }) => id))(
    'PERS-07 %s: what the list requires is required',
    async (id) => {
      const { fields } = await find(id)
      const [form] = formsOf(id)
      for (const { name, validation } of fields.filter(
        ({ validation }) => validation && !new RegExp(validation).test(''),
      )) {
        expect(validation).toMatch(/^\^/)
        const config = { ...form, [name]: undefined }
        const answer = await house.post(INTEGRATIONS, alice, { template: id, config })
        expect([answer.status, answer.json()]).toEqual([
          400,
          { code: 228, error: `The config key ${name} is required`, payload: null },
        ])
      }
    },
  )

  it('TPL-16 API-02 take the older body with its placeholders as they stand', async () => {
    const answer = await house.post(INTEGRATIONS, alice, {
      client_id: '<my-databricks-oauth-app-client-id>',
      client_secret: '<my-client-secret>',
      tenant_id: '<my-azure-tenant-id>',
      description: 'A helpful description',
      default_scopes: ['2ff814a6-3304-4ab8-85cb-cd0e6f879c1d/.default', 'offline_access'],
    })
    expect(answer.status).toBe(200)
    expect(answer.json()).toMatchObject({ template: 'azure', config: { tenant_id: '<my-azure-tenant-id>' } })
  })

  it('TPL-05 workspace_hostname is answered by the right name', async () => {
    const config = { workspace_hostname: 'a.cloud.databricks.com', client_id: 'x', client_secret: 'y' }
    const answer = await house.post(INTEGRATIONS, alice, { template: 'databricks', config })
    expect([answer.status, answer.json()]).toEqual([
      400,
      { code: 228, error: 'The config key workspace_hostname is called workspace_host here', payload: null },
    ])
  })
})
