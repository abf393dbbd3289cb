import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { goldenOf } from './golden.fixture.js'
import { TEMPLATES } from './registry.js'

const fileOf = (id: string) => new URL(`${id}.golden.txt`, import.meta.url)

describe('what a vendor hears is what its golden file says, byte for byte', () => {
  it.each(TEMPLATES.map((template) => [template.id, template] as const))('%s', async (id, template) => {
    const golden = readFileSync(fileOf(id), 'utf8')
    const sent = await goldenOf(template, golden)
    // `GOLDEN=write` writes the file again, to be read against the vendor's documentation before it is committed.
    if (process.env.GOLDEN === 'write') writeFileSync(fileOf(id), sent)
    else expect(sent).toBe(golden)
  })

  it('every template has one, and there are no others', () => {
    const files = readdirSync(new URL('.', import.meta.url)).filter((name) => name.endsWith('.golden.txt'))
    expect(files.sort()).toEqual(TEMPLATES.map(({ id }) => `${id}.golden.txt`).sort())
  })

  it('has a form for each authentication type and mode', () => {
    for (const { id, authTypes, authModes, parse } of TEMPLATES) {
      const forms = readFileSync(fileOf(id), 'utf8')
        .split('====')
        .map((one) => parse(JSON.parse(one.split('----')[0]!) as Record<string, unknown>, { loopback: false }))
      expect([id, new Set(forms.map(({ authType }) => authType))]).toEqual([id, new Set(authTypes)])
      const modes = forms.map(({ config }) => config.auth_mode).filter((mode) => mode !== undefined)
      if (modes.length > 0) expect([id, new Set(modes)]).toEqual([id, new Set(authModes)])
    }
  })
})
