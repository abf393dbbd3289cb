import { readFileSync } from 'node:fs'
import { integrationContract, QUIRKS, type AuthType, type Secret } from '#libs/contracts'
import { flawsOf } from '#libs/messaging'
import type { Resolved, Template } from './template.js'
import { isVisible, type Visibility } from './visibility.js'

const GUID = '00000000-0000-4000-8000-000000000000'
const SECRET = 'canary-client-secret'
const STRICT = { loopback: false }

type Form = Readonly<Record<string, unknown>>

/** What tries to become another part of a URL than it is meant for, or to be no text at all. */
const HOSTILE: readonly unknown[] = [
  ...['.', '..', '../..', '%2e%2e', 'a/b', 'a\\b', 'a?b=c', 'a#b', 'a&b=c', 'a b', '@evil.example', 'a@evil.example'],
  ...['evil.example', 'https://evil.example', 'https://evil.example/', '//evil.example', 'evil.example:443', '[::1]'],
  ...['http://127.0.0.1', '127.0.0.1:4000', 'localhost', 'javascript:alert(1)', 'a\r\nHost: evil.example', 'a\u0000b'],
  ...['x.evil.example?.cloud.databricks.com', 'login.salesforce.com.evil.example', 'xn--a.com', '\ud800', 'ａ.com'],
  ...['<script>', '{tenant}', '${x}', '%', '%zz', 'ü', 'a'.repeat(5000), 7, true, {}, [], ['a']],
]

/** Hosts and URLs that one library takes and another does not. */
const STRANGE: readonly unknown[] = [
  ...[
    'my_org-my_account.snowflakecomputing.com',
    'a_b.cloud.databricks.com',
    'a_b.my.salesforce.com',
    'my_host.example',
  ],
  ...[
    'https://my_host.example/token',
    'https:acme.example/token',
    'https:/acme.example',
    'HTTPS://ACME.EXAMPLE',
    'https://a',
  ],
  ...[
    'https://acme.example:0443/t',
    'https://acme.example/a b',
    'https://acme.example/ü?x=ü',
    ' https://acme.example/t ',
  ],
  ...[
    'https://acme.example./',
    'https://1',
    'https://[::1]/',
    'https://xn--a.example/',
    'https://-a.example/',
    'https://x/#',
  ],
  ...[
    'http://localhost:4000/token',
    'http:localhost/token',
    'localhost:4000',
    'https://a..b/',
    'https://a.example/%zz',
  ],
]

/**
 * What every template promises.
 * @param forms filled in correctly, without a client secret; one for each authentication type and mode
 */
export function templateContract(template: Template, forms: readonly Form[]): void {
  const { id, authTypes, questions, parse, resolve } = template
  const options = questions.filter(({ choices }) => choices)
  const filled = forms.map((form) => withSecret(template, form))
  const eachForm = (check: (form: Form) => void): void => filled.forEach(check)

  describe(`${id} is a template`, () => {
    it('says everything in sentences, and where its facts come from', () => {
      expect(template.displayName).toMatch(/^\S.*\S$/)
      expect(template.description).toMatch(/^\S.*\.$/)
      for (const { label, description } of questions) {
        expect(label).toMatch(/^\S.*\S$/)
        expect(description).toMatch(/^\S.*\.$/)
      }
      expect(readFileSync(new URL(`../../../../docs/guides/${template.guide}.md`, import.meta.url), 'utf8')).toContain(
        `\`${id}\``,
      )
      const source = readFileSync(new URL(`${id}.ts`, import.meta.url), 'utf8')
      expect(source).toMatch(id === 'connect' ? /this server/ : /@see (https:\/\/|RFC )/)
    })

    it('is what its defaults and patterns say it is', () => {
      for (const { choices, default: otherwise, validation, visible } of questions) {
        if (choices && otherwise !== undefined) expect(choices).toContain(otherwise)
        if (typeof otherwise === 'string') expect(otherwise).toMatch(new RegExp(validation))
        for (const { name, value } of conditions(visible)) {
          const named = options.filter((option) => option.name === name).flatMap(({ choices = [] }) => choices)
          expect(named).toContain(value)
        }
      }
      eachForm((form) => {
        for (const { name, validation } of asked(template, form)) {
          if (typeof form[name] === 'string') expect(form[name]).toMatch(new RegExp(validation))
        }
      })
      for (const config of filled.map((form) => parse(form, STRICT).config)) {
        const names = questions.filter(({ visible }) => isVisible(visible, config)).map(({ name }) => name)
        expect(names).toEqual([...new Set(names)])
      }
    })

    it('INT-04 does what its first authentication type says unless it is told otherwise', () => {
      const { auth_type: _, ...form } = filled[0]!
      expect(parse(form, STRICT).authType).toBe(authTypes[0])
      expect(new Set(filled.map((one) => parse(one, STRICT).authType))).toEqual(new Set(authTypes))
    })

    it('INT-32 INT-19 keeps secrets apart from everything else', () => {
      eachForm((form) => {
        const { config, clientSecret } = parse(form, STRICT)
        expect(JSON.stringify([config, resolve(config)])).not.toContain(SECRET)
        expect((clientSecret as Secret | undefined)?.reveal()).toBe(form.client_secret)
      })
    })

    it('takes back what it gave out, and means the same by it', () => {
      eachForm((form) => {
        const { config, clientSecret } = parse(form, STRICT)
        const again = parse(config, { ...STRICT, hasSecret: clientSecret !== undefined })
        expect(again.config).toEqual(config)
        expect(resolve(again.config)).toEqual(resolve(config))
      })
    })

    it('INT-24 resolves to what the other services can read', () => {
      eachForm((form) => {
        const { authType, config, clientSecret } = parse(form, STRICT)
        const { authorizationServer, client, quirks } = resolve(config)
        expect(flawsOf(integrationContract, published(authType, resolve(config), clientSecret !== undefined))).toEqual(
          [],
        )
        expect(QUIRKS).toEqual(expect.arrayContaining([...quirks]))
        expect(client?.token_endpoint_auth_method === 'none').toBe(config.auth_mode === 'Public')
        expect(authorizationServer === null).toBe(client === null)
        if (authorizationServer) expect(authorizationServer.code_challenge_methods_supported).toEqual(['S256'])
        if (authType === 'Viewer') expect(authorizationServer?.authorization_endpoint).toMatch(/^https:/)
      })
    })

    it('TPL-01 TPL-02 PERS-07 names the key of what is missing', () => {
      eachForm((form) => {
        for (const { name } of asked(template, form).filter(({ required }) => required)) {
          for (const nothing of [undefined, null, '']) {
            expect(() => parse({ ...form, [name]: nothing }, STRICT)).toThrow(`The config key ${name} `)
          }
        }
      })
    })

    it('TPL-03 INT-30 takes no scopes, and then asks for its own and no more', () => {
      eachForm(({ scopes: _, ...form }) => {
        const { config } = parse(form, STRICT)
        const { scopes } = Object.fromEntries(asked(template, form).map((one) => [one.name, one]))
        expect(resolve(config).client?.scope).toBe(scopes && String(scopes.default ?? ''))
      })
    })

    it('INT-30 asks for exactly the scopes that are given', () => {
      eachForm((form) => {
        if (!asked(template, form).some(({ name }) => name === 'scopes')) return
        expect(resolve(parse({ ...form, scopes: 'one two' }, STRICT).config).client?.scope).toBe('one two')
      })
    })

    it('refuses keys of no question, and says the right name where one is often mistaken', () => {
      eachForm((form) => {
        expect(() => parse({ ...form, unheard_of: 'x' }, STRICT)).toThrow('The config key unheard_of is not one of')
        expect(() => parse({ ...form, ['__proto__x y']: 'x' }, STRICT)).toThrow('The config key that was given')
        for (const { name, wrongNames } of questions) {
          for (const wrong of wrongNames) {
            expect(() => parse({ ...form, [wrong]: 'x' }, STRICT)).toThrow(`${wrong} is called ${name} here`)
          }
        }
      })
    })

    it('is led nowhere else by any answer, and repeats none in a refusal', () => {
      eachForm((form) => {
        const good = resolve(parse(form, STRICT).config)
        for (const { name } of questions) {
          for (const hostile of HOSTILE) {
            const outcome = attempt(template, { ...form, [name]: hostile })
            if (outcome instanceof Error) {
              expect(outcome).toMatchObject({ code: 'integration.config_invalid' })
              if (typeof hostile === 'string' && hostile.length > 3) expect(outcome.message).not.toContain(hostile)
            } else expect([name, hostile, led(outcome, name)]).toEqual([name, hostile, led(good, name)])
          }
        }
      })
    })

    it('takes no answer that another service could not read', () => {
      eachForm((form) => {
        for (const { name } of questions) {
          for (const strange of [...HOSTILE, ...STRANGE]) {
            let parsed
            try {
              parsed = parse({ ...form, [name]: strange }, { loopback: true })
            } catch {
              continue
            }
            const message = published(parsed.authType, resolve(parsed.config), parsed.clientSecret !== undefined)
            expect([name, strange, flawsOf(integrationContract, message)]).toEqual([name, strange, []])
          }
        }
      })
    })
  })

  /** Where its requests go, as far as an answer may not change it: an endpoint may name any, a server its own host. */
  function led({ authorizationServer, issues }: Resolved, changed: string): unknown {
    const { issuer, authorization_endpoint, token_endpoint, revocation_endpoint } = authorizationServer ?? {}
    const own = ['authorization_uri', 'token_uri', 'revocation_uri', 'issuer'].includes(changed)
    const ofHost = changed === 'github_host'
    // A tenant is part of the issuer only where it is the one that the issuer names.
    const urls = [changed !== 'tenant_id' && issuer, authorization_endpoint, token_endpoint, revocation_endpoint]
    return [...urls, issues?.endpoint].map((url) => {
      const { protocol, username, password, hash, host, pathname, searchParams } = new URL(url || 'https://x')
      const safe = [protocol, username, password, hash]
      return own ? safe : [...safe, ofHost || host, ofHost || pathname.split('/').length, [...searchParams]]
    })
  }
}

/** The message by which other services hear of it. */
function published(authType: AuthType, { authorizationServer, client, quirks, issues }: Resolved, secret: boolean) {
  const state = {
    ...{ guid: GUID, name: null, auth_type: authType, authorization_server: authorizationServer, quirks },
    client: client && { ...client, client_secret_reference: secret ? GUID : null },
    ...(issues && { issues }),
  }
  return { type: integrationContract.type, schema_version: 1, revision: 1, version: 1, state }
}

const withSecret = (template: Template, form: Form): Form =>
  asked(template, form).some(({ secret }) => secret) ? { ...form, client_secret: SECRET } : form

/** The questions that a form has to answer. */
function asked({ questions }: Template, form: Form): Template['questions'] {
  const config: Record<string, unknown> = {}
  return questions.filter(({ name, visible, default: otherwise }) => {
    const shown = isVisible(visible, config)
    if (shown) config[name] = form[name] ?? otherwise
    return shown
  })
}

function attempt({ parse, resolve }: Template, form: Form): Resolved | Error {
  let config
  try {
    ;({ config } = parse(form, STRICT))
  } catch (error) {
    return error as Error
  }
  // Outside the try: what a form was accepted with must resolve.
  return resolve(config)
}

function conditions(visible: Visibility): { name: string; value: string | boolean }[] {
  if (visible === null) return []
  return 'name' in visible ? [visible] : visible.operands.flatMap(conditions)
}
