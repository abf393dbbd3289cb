import { specification } from '#libs/event-sourcing'
import { integrationDecider, type IntegrationCommand } from './integration.decider.js'
import type { IntegrationEvent } from './integration.events.js'

const integration = specification(integrationDecider)

const config = {
  auth_type: 'Viewer',
  auth_mode: 'Confidential',
  authorization_uri: 'https://acme.example/authorize',
  token_uri: 'https://acme.example/token',
  token_endpoint_auth_method: 'client_secret_post',
  use_pkce: true,
  client_id: 'keybearer',
  scopes: 'data:read',
} as const
const first = 'c0ffee00-0000-4000-8000-000000000000'
const second = 'c0ffee00-0000-4000-8000-000000000001'
const data = {
  template: 'custom',
  authType: 'Viewer',
  name: 'Acme',
  description: null,
  config,
  clientSecretReference: first,
} as const
const create = { type: 'CreateIntegration', ...data, access: [] } as const
const created: IntegrationEvent = { type: 'IntegrationCreated', data }
const deleted: IntegrationEvent = { type: 'IntegrationDeleted', data: {} }

type Change = Extract<IntegrationCommand, { type: 'ChangeIntegration' }>
const change = (changes: Partial<Change> = {}): Change => ({
  type: 'ChangeIntegration',
  revision: {},
  loopback: false,
  ...changes,
})
const user = (name: string) => ({ permissionGuid: `of ${name}`, userGuid: name, groupGuid: null })
const group = (name: string) => ({ permissionGuid: `of ${name}`, userGuid: null, groupGuid: name })
const granted = (entry: ReturnType<typeof user> | ReturnType<typeof group>) =>
  ({ type: 'IntegrationAccessGranted', data: entry }) as const
const withdrawn = (entry: ReturnType<typeof user> | ReturnType<typeof group>) =>
  ({ type: 'IntegrationAccessWithdrawn', data: entry }) as const

describe('an integration', () => {
  it('is created once', () => {
    integration.when(create).then(created)
    integration.given(created).when(create).thenNothing()
  })

  it('is deleted once', () => {
    integration.given(created).when({ type: 'DeleteIntegration' }).then(deleted)
  })

  it('cannot be deleted, changed or verified unless it is there', () => {
    integration.when({ type: 'DeleteIntegration' }).thenRefused('integration.not_found')
    integration.given(created, deleted).when({ type: 'DeleteIntegration' }).thenRefused('integration.not_found')
    integration.when(change()).thenRefused('integration.not_found')
    integration.given(created, deleted).when(change()).thenRefused('integration.not_found')
    const verified = { type: 'RecordVerification', succeeded: true, error: null } as const
    integration.given(created, deleted).when(verified).thenRefused('integration.not_found')
  })

  it('keeps a record of each verification', () => {
    const outcome = { succeeded: false, error: 'invalid_client' }
    integration
      .given(created)
      .when({ type: 'RecordVerification', ...outcome })
      .then({ type: 'IntegrationVerified', data: outcome })
  })
})

describe('changing an integration', () => {
  it('records what is another than before, and nothing else', () => {
    integration.given(created).when(change()).thenNothing()
    integration
      .given(created)
      .when(change({ name: 'Acme', description: null, revision: { template: 'custom', config } }))
      .thenNothing()
    integration
      .given(created)
      .when(change({ description: 'For reports' }))
      .then({ type: 'IntegrationDescribed', data: { name: 'Acme', description: 'For reports' } })
    integration
      .given(created)
      .when(change({ revision: { config: { client_id: 'other' } } }))
      .then({ type: 'IntegrationConfigured', data: { config: { ...config, client_id: 'other' } } })
  })

  it('INT-20 names the place of a new secret, and no secret', () => {
    integration
      .given(created)
      .when(change({ clientSecretReference: second }))
      .then({ type: 'ClientSecretReplaced', data: { clientSecretReference: second } })
  })

  it('names no secret any more when none is needed', () => {
    integration
      .given(created)
      .when(change({ revision: { config: { auth_mode: 'Public' } } }))
      .then(
        { type: 'IntegrationConfigured', data: { config: { ...config, auth_mode: 'Public' } } },
        { type: 'ClientSecretReplaced', data: { clientSecretReference: null } },
      )
  })

  it.each([
    ['another template', { template: 'github' }, 'integration.template_fixed'],
    ['another auth type', { config: { auth_type: 'Service Account' } }, 'integration.template_fixed'],
    ['a required field taken away', { config: { client_id: null } }, 'integration.config_invalid'],
    ['the secret taken away', { config: { client_secret: null } }, 'integration.config_invalid'],
    ['a field of no template', { config: { tenant: 'x' } }, 'integration.config_invalid'],
    ['an address of this machine', { config: { token_uri: 'http://localhost/' } }, 'integration.config_invalid'],
  ])('refuses %s', (_, revision, code) => {
    integration.given(created).when(change({ revision })).thenRefused(code)
  })

  it.each(['token_uri', 'revocation_uri'])(
    'E14 shows no secret to another server by %s, unless it is given again',
    (key) => {
      const elsewhere = { config: { [key]: 'https://elsewhere.example/x' } }
      const origin = new URL(config.token_uri).origin
      const changed = (revision: object) => ({
        type: 'IntegrationConfigured',
        data: { config: { ...config, ...revision } },
      })
      integration
        .given(created)
        .when(change({ revision: elsewhere }))
        .thenRefused('integration.config_invalid')
      integration
        .given(created)
        .when(change({ revision: elsewhere, clientSecretReference: second }))
        .then(changed(elsewhere.config) as IntegrationEvent, {
          type: 'ClientSecretReplaced',
          data: { clientSecretReference: second },
        })
      const there = { [key]: `${origin}/another/place` }
      integration
        .given(created)
        .when(change({ revision: { config: there } }))
        .then(changed(there) as IntegrationEvent)
      const isPublic = { ...elsewhere.config, auth_mode: 'Public' }
      integration
        .given(created)
        .when(change({ revision: { config: isPublic } }))
        .then(changed(isPublic) as IntegrationEvent, {
          type: 'ClientSecretReplaced',
          data: { clientSecretReference: null },
        })
    },
  )

  it('is checked against what it is by now', () => {
    const isPublic: IntegrationEvent[] = [
      { type: 'IntegrationConfigured', data: { config: { ...config, auth_mode: 'Public' } } },
      { type: 'ClientSecretReplaced', data: { clientSecretReference: null } },
    ]
    integration
      .given(created, ...isPublic)
      .when(change({ revision: { config: { auth_mode: 'Confidential' } } }))
      .thenRefused('integration.config_invalid')
  })
})

describe('the access list of an integration', () => {
  it('is made with it', () => {
    integration.when({ ...create, access: [user('priya')] }).then(created, granted(user('priya')))
  })

  it('is replaced as a whole; an entry that stays keeps its guid', () => {
    integration
      .given(created, granted(user('priya')), granted(group('analysts')))
      .when(change({ access: [{ ...user('priya'), permissionGuid: 'new' }, user('paul')] }))
      .then(withdrawn(group('analysts')), granted(user('paul')))
  })

  it('tells a person from a group of the same guid, and counts one named twice once', () => {
    integration
      .given(created)
      .when(change({ access: [user('x'), group('x'), user('x')] }))
      .then(granted(user('x')), granted(group('x')))
  })

  it('stays when it is not named, and can be emptied', () => {
    const listed = integration.given(created, granted(user('priya')))
    listed.when(change({ name: 'Acme' })).thenNothing()
    listed.when(change({ access: [] })).then(withdrawn(user('priya')))
  })
})
