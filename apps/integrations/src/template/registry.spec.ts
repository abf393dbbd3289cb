import { readFileSync } from 'node:fs'
import { templateById, TEMPLATES } from './registry.js'
import { templateContract } from './template.conformance.js'

/** The forms of a golden file, without their secrets. */
const formsOf = (id: string): Record<string, unknown>[] =>
  readFileSync(new URL(`${id}.golden.txt`, import.meta.url), 'utf8')
    .split('====')
    .map((one) => {
      const { client_secret: _, ...form } = JSON.parse(one.split('----')[0]!) as Record<string, unknown>
      return form
    })

for (const template of TEMPLATES) templateContract(template, formsOf(template.id))

describe('the templates', () => {
  it('INT-31 are those that clients know', () => {
    expect(TEMPLATES.map(({ id }) => id)).toEqual([
      ...['aws', 'azure', 'azure-openai', 'bigquery', 'connect', 'custom', 'databricks', 'drive', 'github', 'google'],
      ...['msgraph', 'salesforce', 'sharepoint', 'sheets', 'snowflake', 'vertex-ai'],
    ])
  })

  it('are found by their ids, and another id is refused with 227', () => {
    for (const template of TEMPLATES) expect(templateById(template.id)).toBe(template)
    for (const id of ['Azure', 'databricks ', '__proto__', 'constructor', '']) {
      expect(() => templateById(id)).toThrow(expect.objectContaining({ code: 'template.not_found' }))
    }
  })

  it('INT-03 INT-07 INT-08 INT-09 INT-10 INT-11 INT-12 INT-13 INT-14 can do what the matrix of types says', () => {
    const matrix = Object.fromEntries(TEMPLATES.map(({ id, authTypes }) => [id, authTypes]))
    const both = ['Viewer', 'Service Account']
    expect(matrix).toEqual({
      ...{ aws: both, azure: both, 'azure-openai': both, msgraph: both, sharepoint: both },
      ...{ custom: both, databricks: both },
      ...{ bigquery: ['Viewer'], drive: ['Viewer'], google: ['Viewer'], sheets: ['Viewer'], 'vertex-ai': ['Viewer'] },
      ...{ github: ['Viewer'], salesforce: ['Viewer'], snowflake: ['Viewer'], connect: ['Visitor API Key'] },
    })
  })

  it('INT-11 INT-12 INT-13 INT-14 a service account where there is none is refused by the name of the type', () => {
    const refused = TEMPLATES.filter(({ authTypes }) => !authTypes.includes('Service Account'))
    expect(refused).toHaveLength(9)
    for (const { id, displayName, parse } of refused) {
      const form = { ...formsOf(id)[0], auth_type: 'Service Account' }
      expect(() => parse(form, { loopback: false })).toThrow(
        new RegExp(`^The config key auth_type must be one of .*; ${displayName} integrations cannot .*Service Account`),
      )
    }
  })
})
