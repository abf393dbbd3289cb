import { readdirSync, readFileSync } from 'node:fs'
import { TEMPLATES } from './registry.js'

const DOCS = new URL('../../../../docs/', import.meta.url)
const read = (page: string): string => readFileSync(new URL(page, DOCS), 'utf8').replace(/\s+/g, ' ')
const guides = readdirSync(new URL('guides/', DOCS))

const CALLBACK = /`?https:\/\/keybearer\.example\.org\/__oauth__\/integrations\/callback`?/

const saysIn = (page: string, cases: [string, RegExp][]): void => {
  describe(`the guide ${page}`, () => {
    const guide = read(`guides/${page}`)
    it.each(cases)('says %s', (_name, text) => {
      expect(guide).toMatch(text)
    })
  })
}

saysIn('integrations.md', [
  [
    'PERS-01 PERS-02 who acts, in which order, and that they talk',
    /overlap.*talk back and forth.*### 1\. The administrator of the OAuth application.*### 2\. The administrator of this server.*### 3\. The publisher.*### 4\. The viewer/,
  ],
  [
    'PERS-03 who registers an application, and what it is for',
    /registers an application at the vendor, which issues tokens to this server/,
  ],
  ['PERS-04 which redirect URL a Viewer integration needs', CALLBACK],
  [
    'PERS-05 that Posit Workbench may share the application',
    /`https:\/\/workbench\.example\.org\/oauth_redirect_callback`\. One application may have both/,
  ],
  ['PERS-06 what is handed over', /\| `client_id` +\| always.*\| `client_secret` +\| for.*\| `scopes` +\| if/],
  ['SVC-04 which integrations need none', /A \*\*Service Account\*\* integration needs no redirect URL/],
  ['PERS-07 SVC-05 when there is a secret', /for Confidential applications and for Service Account integrations/],
  ['PERS-08 where further fields are told', /what the template asks: a tenant, a host; see \[providers\]/],
  [
    'PERS-09 that there are two ways to one result',
    /in the dashboard under _Integrations_ or by API, with the same result/,
  ],
  ['PERS-10 how a publisher ties it to content', /in the content's settings .* or by API\. The list replaces/],
  ['PERS-11 what viewers see of a Viewer integration', /each viewer once.*from then on they see what _they_ may see/],
  ['PERS-12 what viewers see of a Service Account integration', /nobody is asked, and everybody sees the same/],
  ['PERS-17 who creates integrations', /Only administrators can; publishers use what is there/],
  [
    'INT-01 what it is instead of',
    /\*\*access token that is short-lived and can do little\*\*, in place of a password/,
  ],
  ['INT-02 INT-17 whose rules decide', /What the token opens is decided where the data is, not here/],
  ['INT-18 what to mind with service accounts', /\*\*Take care with service accounts:\*\* all publishers can use/],
  ['INT-20 how a secret is replaced', /`PATCH` it.*counts from the next token on, and no content has to be touched/],
  ['INT-29 which kind of application to choose', /If you are not sure, choose Confidential/],
  ['INT-30 how many scopes to ask for', /Ask only for what content needs/],
  [
    'GLOSS-01 what an identity provider is',
    /\*\*identity provider\*\* +\| Keeps the identities of people and authenticates them/,
  ],
  ['GLOSS-02 what a third-party service is', /\*\*third-party service\*\* +\| Has the protected resources/],
  [
    'GLOSS-03 what an OAuth application is',
    /\*\*OAuth application\*\* +\| Is made by an administrator.*It issues the tokens/,
  ],
  ['GLOSS-04 what an OAuth client is', /\*\*OAuth client\*\* +\| Asks an OAuth application for tokens/],
  ['GLOSS-05 what an OAuth integration is', /\*\*OAuth integration\*\* +\| Defines what an OAuth client can do/],
])

saysIn('azure-databricks.md', [
  ['PERS-13 who it is for', /administrator of Azure, who can create and configure applications in Microsoft Entra ID/],
  ['EXT-01 how the application is registered', /_New registration_, and add the redirect URI.*integrations\/callback`/],
  ['EXT-02 which permission it needs', /_API permissions_ add `AzureDatabricks\/user_impersonation`/],
  ['EXT-03 where its secret is made', /_Certificates & secrets_ add a client secret/],
  [
    'EXT-04 how Databricks must be set',
    /must be set to authenticate with Azure\.\*\* Entra ID issues the tokens, and Databricks accepts them/,
  ],
  [
    'PERS-15 what is noted and handed over',
    /Note `tenant_id`, `client_id` and `client_secret`, and give them to the administrator/,
  ],
  [
    'TPL-13 TPL-14 that the scope is not to be changed',
    /2ff814a6-3304-4ab8-85cb-cd0e6f879c1d\/\.default` and `offline_access`.*\*\*Do not change it\.\*\*/,
  ],
  [
    'TPL-16 that the older form works',
    /The form of before there were templates works as well.*a list `default_scopes`/,
  ],
  [
    'PERS-14 that the viewer is asked',
    /asked once by Entra ID whether content may act for them at Databricks\. Until they agree, there is no token/,
  ],
])

saysIn('databricks.md', [
  [
    'EXT-05 that it is made at the shell',
    /There is no screen for this.*Databricks CLI\. Install it, and sign it in to the \*\*account\*\*/,
  ],
  [
    'EXT-06 how it becomes Confidential or Public',
    /custom-app-integration create \\ --confidential.*without it, it is Public/,
  ],
  [
    'EXT-07 what is sent and what comes back',
    /"name": .*"redirect_urls": \["https:\/\/keybearer\.example\.org\/__oauth__\/integrations\/callback"\], "scopes": .*"integration_id": .*"client_id": .*"client_secret"/,
  ],
  ['EXT-08 how it is removed', /databricks account custom-app-integration delete <integration-id>/],
  [
    'INT-25 which id is whose',
    /\*\*The `integration_id` is Databricks' own\*\*.*has a `guid` of its own; do not take the one for the other/,
  ],
  ['PERS-16 what is noted and handed over', /Note `client_id` and `client_secret` and give them to the administrator/],
  [
    'SVC-07 INT-10 how a service principal is made, and what of it is handed over',
    /## Service Account .*add a service principal.*generate an OAuth secret for it.*Note the client ID and the secret.*give them to the administrator of this server/,
  ],
  ['SVC-04 that it needs no redirect URL', /## Service Account .*No redirect URL is needed.* ## Hand over/],
])

saysIn('google-login.md', [
  [
    'EXT-09 how the application is registered',
    /of the type Web application.*\*\*authorized JavaScript origin\*\*.*__login__\/callback/,
  ],
  ['EXT-10 where profiles are changed', /Whoever wants another one changes it at Google/],
  ['EXT-12 what roles need', /\*\*Roles\*\* by mapping need a custom claim/],
])

saysIn('entra-login.md', [
  ['EXT-11 how the groups claim is set', /source attribute to `sAMAccountName` rather than the group ID/],
])

describe('the guides', () => {
  const contents = read('providers.md')

  it.each(TEMPLATES.map(({ id, guide }) => [id, guide] as const))('%s has one, found from the list', (id, guide) => {
    expect(guides).toContain(`${guide}.md`)
    expect(contents).toContain(`(guides/${guide}.md)`)
    expect(read(`guides/${guide}.md`)).toContain(`\`${id}\``)
  })

  it('are all in the table of contents, or named by one that is', () => {
    const named = guides.filter((page) => contents.includes(`(guides/${page})`))
    const onward = named.map((page) => read(`guides/${page}`)).join(' ')
    for (const page of guides) expect(named.includes(page) || onward.includes(`(${page})`)).toBe(true)
  })

  it('VAULT-04 tell publishers to keep the viewer’s token safe', () => {
    expect(read('guides/integrations.md')).toMatch(
      /access token, and answers for it: it is never to be stored or cached/,
    )
  })

  it('PERS-04 tell the redirect URL wherever viewers are asked', () => {
    for (const { guide } of TEMPLATES.filter(({ authTypes }) => authTypes.includes('Viewer'))) {
      expect(read(`guides/${guide}.md`)).toMatch(CALLBACK)
    }
  })

  it('name every field that their form needs', () => {
    for (const { guide, questions } of TEMPLATES) {
      for (const { name } of questions.filter(({ required }) => required)) {
        expect(read(`guides/${guide}.md`)).toContain(`\`${name}\``)
      }
    }
  })

  it('lead to pages that exist', () => {
    for (const page of guides) {
      for (const [, target] of read(`guides/${page}`).matchAll(/\]\((?!https?:)([^)#]+)/g)) {
        expect(() => readFileSync(new URL(target!, new URL(`guides/${page}`, DOCS)))).not.toThrow()
      }
    }
  })
})
