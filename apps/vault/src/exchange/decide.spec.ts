import {
  errorNumber,
  GRANT_TYPE_TOKEN_EXCHANGE,
  REQUESTED_TOKEN_TYPE,
  SUBJECT_TOKEN_TYPE,
  type AuthType,
  type ContentState,
  type IntegrationState,
  type UserState,
} from '#libs/contracts'
import { clientFingerprint } from '../provider/client-fingerprint.js'
import type { GrantFacts } from '../grant/grant.queries.js'
import { fingerprintOf, type ServiceTokenFacts } from '../service-account/service-token.js'
import { decide, readRequest, type Decision, type Facts, type KeyActor, type Subject, type Viewer } from './decide.js'

const OWNER = '00000000-0000-4000-8000-000000000001'
const VIEWER = '00000000-0000-4000-8000-000000000002'
const CONTENT = '00000000-0000-4000-8000-000000000003'
const ACME = '00000000-0000-4000-8000-000000000004'
const OTHER = '00000000-0000-4000-8000-000000000005'
const GROUP = '00000000-0000-4000-8000-000000000006'
const KEY = '00000000-0000-4000-8000-000000000007'
const NOW = new Date('2026-11-22T12:00:00Z')
const inSeconds = (seconds: number): Date => new Date(NOW.getTime() + seconds * 1000)

const key: KeyActor = { type: 'key', guid: KEY, user: OWNER, role: 'publisher' }
const contentKey: KeyActor = { type: 'content_key', guid: KEY, content: CONTENT, owner: OWNER }
const subject: Viewer = { type: 'viewer', userGuid: VIEWER, content: CONTENT, sid: 'alive' }

const user = (guid: string, changes: Partial<UserState> = {}): UserState => ({
  guid,
  username: 'u',
  first_name: '',
  last_name: '',
  email: '',
  user_role: 'publisher',
  locked: false,
  group_guids: [],
  sessions: [{ sid: 'alive', expires_at: inSeconds(3600).toISOString() }],
  ...changes,
})
const associations = (...guids: string[]) =>
  guids.map((oauth_integration_guid) => ({ oauth_integration_guid, auth_type: 'Viewer' as const }))
const content = (changes: Partial<ContentState> = {}): ContentState => ({
  guid: CONTENT,
  owner_guid: OWNER,
  name: 'report',
  access_type: 'logged_in',
  kind: 'interactive',
  upstream_url: null,
  locked: false,
  permissions: [],
  associations: associations(ACME),
  ...changes,
})
const integration = (auth_type: AuthType = 'Viewer'): IntegrationState => ({
  guid: ACME,
  name: 'acme',
  auth_type,
  authorization_server: { token_endpoint: 'https://acme.example/token' },
  client: {
    client_id: 'keybearer',
    token_endpoint_auth_method: 'none',
    scope: '',
    client_secret_reference: null,
  },
  quirks: [],
})
const grant = (changes: Partial<GrantFacts> = {}): GrantFacts => ({
  guid: '00000000-0000-4000-8000-000000000008',
  status: 'usable',
  generation: 1,
  client: clientFingerprint(integration()),
  expiresAt: inSeconds(600),
  hasRefreshToken: true,
  ...changes,
})
const facts = (changes: Partial<Facts> = {}): Facts => ({
  now: NOW,
  content: content(),
  visitor: user(VIEWER),
  callerUser: user(OWNER),
  liveGroupGuids: [],
  unknownGroupGuids: [],
  integration: integration(),
  grant: grant(),
  serviceToken: undefined,
  ...changes,
})
const form = (changes: Record<string, string> = {}): Record<string, string> => ({
  grant_type: GRANT_TYPE_TOKEN_EXCHANGE,
  subject_token_type: SUBJECT_TOKEN_TYPE.userSession,
  subject_token: 'header.payload.signature',
  ...changes,
})

interface Case {
  form?: Record<string, string>
  caller?: KeyActor
  subject?: Partial<Viewer>
  ofContent?: true
  facts?: Partial<Facts>
  requireContentKeys?: boolean
}

const aclFor = (principal_guid: string, principal_type: 'user' | 'group') =>
  content({ access_type: 'acl', permissions: [{ principal_guid, principal_type, role: 'viewer' }] })
const ofContent = `content ${CONTENT}`
const ofVisitor = `user ${VIEWER}`
const CONSENT = { consent_url: `https://kb.example/consent/${ACME}/${CONTENT}` }

const robot = integration('Service Account')
const serviceToken = (changes: Partial<ServiceTokenFacts> = {}): ServiceTokenFacts => ({
  fingerprint: fingerprintOf(robot),
  generation: 1,
  obtainedAt: inSeconds(-60),
  expiresAt: inSeconds(600),
  ...changes,
})
const OF_ROBOT = { visitor: undefined, grant: undefined, integration: robot, serviceToken: serviceToken() }

/** What is so, in words; what differs from a request that is granted; number, RFC word, and what is doubted. */
const REFUSALS: [string, Case, number, string, ...string[]][] = [
  ['2: a viewer’s key', { caller: { ...key, role: 'viewer' } }, 22, 'unauthorized_client'],
  ['2: a key of a visit', { caller: { ...key, visit: CONTENT } }, 22, 'unauthorized_client'],
  ...[
    GRANT_TYPE_TOKEN_EXCHANGE.replace('ietf', 'eitf'),
    GRANT_TYPE_TOKEN_EXCHANGE.toUpperCase(),
    'refresh_token',
    '',
  ].map((grant_type): (typeof REFUSALS)[number] => [
    `C14 3: the grant type '${grant_type}'`,
    { form: { grant_type } },
    213,
    'unsupported_grant_type',
  ]),
  ['4: another subject token type', { form: { subject_token_type: 'urn:x' } }, 214, 'invalid_request'],
  ['5: no subject token', { form: { subject_token: '' } }, 215, 'invalid_request'],
  ['5: a subject nobody has heard of', { facts: { visitor: undefined } }, 217, 'invalid_request', ofVisitor],
  ['5: a subject who is deleted', { facts: { visitor: null } }, 217, 'invalid_request'],
  ['5: a session that has ended', { subject: { sid: 'gone' } }, 215, 'invalid_request', ofVisitor],
  [
    '5: a session that has run out',
    { facts: { visitor: user(VIEWER, { sessions: [{ sid: 'alive', expires_at: NOW.toISOString() }] }) } },
    215,
    'invalid_request',
  ],
  ['6: content nobody has heard of', { facts: { content: undefined } }, 22, 'unauthorized_client', ofContent],
  ['6: content that is deleted', { facts: { content: null } }, 22, 'unauthorized_client'],
  ['6: a key of somebody else', { caller: { ...key, user: VIEWER } }, 22, 'unauthorized_client'],
  [
    '6: an administrator who is not the owner',
    { caller: { ...key, user: VIEWER, role: 'administrator' } },
    22,
    'unauthorized_client',
  ],
  ['6: an owner who is locked', { facts: { callerUser: user(OWNER, { locked: true }) } }, 22, 'unauthorized_client'],
  [
    '6: an owner who has become a viewer',
    { facts: { callerUser: user(OWNER, { user_role: 'viewer' }) } },
    22,
    'unauthorized_client',
  ],
  ['6: an owner nobody has heard of', { facts: { callerUser: undefined } }, 22, 'unauthorized_client', `user ${OWNER}`],
  ['C01 6: a key bound to other content', { caller: { ...contentKey, content: OTHER } }, 22, 'unauthorized_client'],
  [
    'C01 C11 6: a key bound to other content of the same owner, for the content itself',
    { caller: { ...contentKey, content: OTHER }, ofContent: true },
    22,
    'unauthorized_client',
  ],
  ['6: a bound key of a former owner', { caller: { ...contentKey, owner: VIEWER } }, 22, 'unauthorized_client'],
  [
    '6: a bound key of an owner who is locked',
    { caller: contentKey, facts: { callerUser: user(OWNER, { locked: true }) } },
    22,
    'unauthorized_client',
  ],
  ['C02 C04 6: a personal key where bound ones are required', { requireContentKeys: true }, 22, 'unauthorized_client'],
  ['6: a viewer who is locked', { facts: { visitor: user(VIEWER, { locked: true }) } }, 19, 'invalid_request'],
  ['6: content that is locked', { facts: { content: content({ locked: true }) } }, 19, 'invalid_request'],
  [
    'CONTENT-13 6: a viewer who is not on the list',
    { facts: { content: aclFor(OTHER, 'user') } },
    19,
    'invalid_request',
    ofContent,
    ofVisitor,
  ],
  [
    'CONTENT-13 GRP-12 6: a viewer whose group is gone',
    { facts: { content: aclFor(GROUP, 'group'), visitor: user(VIEWER, { group_guids: [GROUP] }) } },
    19,
    'invalid_request',
    ofContent,
    ofVisitor,
  ],
  [
    '6: a viewer whose group nobody has heard of',
    {
      facts: {
        content: aclFor(GROUP, 'group'),
        visitor: user(VIEWER, { group_guids: [GROUP] }),
        unknownGroupGuids: [GROUP],
      },
    },
    19,
    'invalid_request',
    ofContent,
    ofVisitor,
    `group ${GROUP}`,
  ],
  ['7: no association', { facts: { content: content({ associations: [] }) } }, 212, 'invalid_target', ofContent],
  [
    'C12 8: two associations and no audience',
    { facts: { content: content({ associations: associations(ACME, OTHER) }) } },
    257,
    'invalid_request',
  ],
  ['C12 8: an audience that is not associated', { form: { audience: OTHER } }, 256, 'invalid_target', ofContent],
  ['C12 8: an audience that is no guid', { form: { audience: 'acme' } }, 256, 'invalid_target', ofContent],
  [
    '8: an integration nobody has heard of',
    { facts: { integration: undefined } },
    256,
    'invalid_target',
    `integration ${ACME}`,
  ],
  ['8: an integration that is deleted', { facts: { integration: null } }, 256, 'invalid_target'],
  [
    'C10 9: a service account, for a viewer',
    { facts: { integration: integration('Service Account') } },
    252,
    'invalid_request',
  ],
  [
    'CONTENT-02 9: rendered content',
    { facts: { content: content({ kind: 'rendered' }) } },
    237,
    'invalid_target',
    ofContent,
  ],
  [
    'CONTENT-12 9: static content',
    { facts: { content: content({ kind: 'static' }) } },
    237,
    'invalid_target',
    ofContent,
  ],
  [
    'CONTENT-07 CONTENT-11 9: content that is open to everybody, however it came to have the integration',
    { facts: { content: content({ access_type: 'all' }) } },
    237,
    'invalid_target',
    ofContent,
  ],
  [
    '9: a viewer’s integration that would give keys of this server',
    { facts: { integration: { ...integration(), issues: { type: REQUESTED_TOKEN_TYPE.apiKey } } } },
    250,
    'invalid_request',
  ],
  [
    '9: a visitor’s key of an integration that issues none',
    { facts: { integration: integration('Visitor API Key') } },
    250,
    'invalid_request',
  ],
  ['5: no content session token', { form: { subject_token: '' }, ofContent: true }, 236, 'invalid_request'],
  [
    'C11 6: content that is deleted, for itself',
    { ofContent: true, facts: { content: null } },
    22,
    'unauthorized_client',
  ],
  [
    '6: content that is locked, for itself',
    { ofContent: true, facts: { content: content({ locked: true }) } },
    19,
    'invalid_request',
  ],
  [
    '7: no association, for the content itself',
    { ofContent: true, facts: { content: content({ associations: [] }) } },
    212,
    'invalid_target',
    ofContent,
  ],
  [
    'C10 9: a viewer’s integration, for the content itself',
    { ofContent: true, facts: { integration: integration() } },
    252,
    'invalid_request',
  ],
  [
    '9: visitor API keys, for the content itself',
    { ofContent: true, facts: { integration: integration('Visitor API Key') } },
    252,
    'invalid_request',
  ],
  [
    'CONTENT-12 9: static content, for itself',
    { ofContent: true, facts: { content: content({ kind: 'static' }) } },
    237,
    'invalid_target',
    ofContent,
  ],
  [
    '10: an API key is asked for, which content has none of',
    { ofContent: true, form: { requested_token_type: REQUESTED_TOKEN_TYPE.apiKey } },
    249,
    'invalid_request',
  ],
  [
    '10: AWS credentials are asked for, for the content itself',
    { ofContent: true, form: { requested_token_type: REQUESTED_TOKEN_TYPE.temporaryCredentials } },
    242,
    'invalid_request',
  ],
  [
    '10: an API key is asked for',
    { form: { requested_token_type: REQUESTED_TOKEN_TYPE.apiKey } },
    242,
    'invalid_request',
  ],
  [
    'C15 VAULT-02 10: a refresh token is asked for',
    { form: { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' } },
    242,
    'invalid_request',
  ],
  ['11: no consent', { facts: { grant: undefined } }, 220, 'consent_required'],
  ...(
    [
      ['token endpoint', { authorization_server: { token_endpoint: 'https://other.example/token' } }],
      ['issuer', { authorization_server: { ...integration().authorization_server!, issuer: 'https://other.example' } }],
      [
        'revocation endpoint',
        { authorization_server: { ...integration().authorization_server!, revocation_endpoint: 'https://o.example' } },
      ],
      ['client', { client: { ...integration().client!, client_id: 'another' } }],
    ] as [string, Partial<IntegrationState>][]
  ).map(([what, changes]): [string, Case, number, string] => [
    `11: E14 a consent of before the integration had another ${what}`,
    { facts: { integration: { ...integration(), ...changes } } },
    220,
    'consent_required',
  ]),
  [
    '11: a consent that nobody knows the provider of',
    { facts: { grant: grant({ client: null }) } },
    220,
    'consent_required',
  ],
  ['11: a consent that was withdrawn', { facts: { grant: grant({ status: 'revoked' }) } }, 220, 'consent_required'],
  [
    '11: a grant that the provider gave up',
    { facts: { grant: grant({ status: 'consent_required' }) } },
    219,
    'consent_required',
  ],
  [
    '11: an expired token without a refresh token',
    { facts: { grant: grant({ expiresAt: NOW, hasRefreshToken: false }) } },
    235,
    'consent_required',
  ],
]

const OF_SERVICE: [string, Case, 'issue_service' | 'obtain_service'][] = [
  ['PERS-12 a token that is at hand', {}, 'issue_service'],
  ['a token that is at hand, by a bound key', { caller: contentKey, requireContentKeys: true }, 'issue_service'],
  ['CONTENT-09 open content', { facts: { content: content({ access_type: 'all' }) } }, 'issue_service'],
  ['CONTENT-02 rendered content', { facts: { content: content({ kind: 'rendered' }) } }, 'issue_service'],
  ['no token at all', { facts: { serviceToken: undefined } }, 'obtain_service'],
  ['one that is being got', { facts: { serviceToken: serviceToken({ obtainedAt: null }) } }, 'obtain_service'],
  ['one of former settings', { facts: { serviceToken: serviceToken({ fingerprint: 'x' }) } }, 'obtain_service'],
  ['31 s left', { facts: { serviceToken: serviceToken({ expiresAt: inSeconds(31) }) } }, 'issue_service'],
  ['30 s left', { facts: { serviceToken: serviceToken({ expiresAt: inSeconds(30) }) } }, 'obtain_service'],
  [
    'more than half of a short life left',
    { facts: { serviceToken: serviceToken({ obtainedAt: inSeconds(-4), expiresAt: inSeconds(6) }) } },
    'issue_service',
  ],
  [
    'half of a short life left',
    { facts: { serviceToken: serviceToken({ obtainedAt: inSeconds(-5), expiresAt: inSeconds(5) }) } },
    'obtain_service',
  ],
  [
    'a token of 59 s that does not say when it ends',
    { facts: { serviceToken: serviceToken({ obtainedAt: inSeconds(-59), expiresAt: null }) } },
    'issue_service',
  ],
  [
    'a token of 60 s that does not say when it ends',
    { facts: { serviceToken: serviceToken({ obtainedAt: inSeconds(-60), expiresAt: null }) } },
    'obtain_service',
  ],
]

const GRANTED: [string, Case, 'issue' | 'refresh', boolean?][] = [
  ['the owner’s key and one association', {}, 'issue'],
  ['a key that is bound to the content', { caller: contentKey }, 'issue'],
  ['a bound key where bound ones are required', { caller: contentKey, requireContentKeys: true }, 'issue'],
  [
    'C12 the audience among several',
    { form: { audience: ACME }, facts: { content: content({ associations: associations(OTHER, ACME) }) } },
    'issue',
  ],
  ['the requested type in words', { form: { requested_token_type: REQUESTED_TOKEN_TYPE.accessToken } }, 'issue'],
  [
    'C13 C16 resource, scope and what nobody knows, which are ignored',
    { form: { resource: 'x', scope: 'y', actor_token: 'z', more: 'y' } },
    'issue',
  ],
  ['a viewer on the list', { facts: { content: aclFor(VIEWER, 'user') } }, 'issue'],
  ['a viewer by a group that lives', { facts: { content: aclFor(GROUP, 'group'), liveGroupGuids: [GROUP] } }, 'issue'],
  ['a token that is good for six seconds', { facts: { grant: grant({ expiresAt: inSeconds(6) }) } }, 'issue'],
  ['a token that is good for five seconds', { facts: { grant: grant({ expiresAt: inSeconds(5) }) } }, 'refresh', true],
  [
    'the same, without a refresh token',
    { facts: { grant: grant({ expiresAt: inSeconds(5), hasRefreshToken: false }) } },
    'issue',
  ],
  ...(
    [
      ['ten minutes after it came', { tokenSince: inSeconds(-600) }, 'issue'],
      ['later', { tokenSince: inSeconds(-601) }, 'refresh', true],
      ['after a failure', { tokenSince: null }, 'refresh', true],
      ['without a refresh token', { tokenSince: inSeconds(-601), hasRefreshToken: false }, 'issue'],
      ['that says when it ends after all', { tokenSince: inSeconds(-601), expiresAt: inSeconds(60) }, 'issue'],
    ] as const
  ).map(([when, changes, verdict, oldIsValid]): [string, Case, 'issue' | 'refresh', boolean?] => [
    `B14 a token of which nobody says when it ends, ${when}`,
    { facts: { grant: grant({ expiresAt: null, ...changes }) } },
    verdict,
    oldIsValid,
  ]),
  ['a token that has expired', { facts: { grant: grant({ expiresAt: NOW }) } }, 'refresh', false],
]

function outcome(each: Case): Decision {
  const caller = each.caller ?? key
  const itself = each.ofContent ?? false
  const asked = form({ ...(itself && { subject_token_type: SUBJECT_TOKEN_TYPE.contentSession }), ...each.form })
  const request = readRequest(asked, caller)
  const about: Subject = itself ? { type: 'content', content: CONTENT } : { ...subject, ...each.subject }
  const known = facts({ ...(itself && OF_ROBOT), ...each.facts })
  return decide(request, caller, about, known, {
    requireContentKeys: each.requireContentKeys ?? false,
    consentUrl: (integration, content) => `https://kb.example/consent/${integration}/${content}`,
  })
}

function refusal(each: Case): unknown[] {
  let decision
  try {
    decision = outcome(each)
  } catch (error) {
    decision = { verdict: 'refuse' as const, error: error as never, doubts: [] }
  }
  if (decision.verdict !== 'refuse') return [decision.verdict]
  const { error, doubts } = decision
  return [errorNumber(error).number, error.payload?.oauth_error, ...doubts.map(({ kind, guid }) => `${kind} ${guid}`)]
}

describe('the exchange refuses, in the order of the contract', () => {
  it.each(REFUSALS)('%s', (_, each, ...expected) => {
    expect(refusal(each)).toEqual(expected)
  })

  it('names the first fault when there are several', () => {
    const worse = {
      form: { audience: OTHER },
      subject: { sid: 'gone' },
      facts: { grant: undefined, integration: null },
    }
    expect(refusal(worse)).toEqual([215, 'invalid_request', ofVisitor])
  })

  it('says where to consent whenever the viewer can mend it', () => {
    for (const [, each, , word] of REFUSALS.filter(([, , , word]) => word === 'consent_required')) {
      const decision = outcome(each)
      expect(decision).toMatchObject({ verdict: 'refuse', error: { payload: { oauth_error: word, ...CONSENT } } })
    }
  })
})

describe('the exchange gives', () => {
  it.each(GRANTED)('%s', (_, each, verdict, ...[oldIsValid]) => {
    expect(outcome(each)).toMatchObject({ verdict, ...(oldIsValid !== undefined && { oldIsValid }) })
  })
})

describe('the exchange gives an API key of the visitor', () => {
  const issues = { type: REQUESTED_TOKEN_TYPE.apiKey, max_role: 'publisher' } as const
  const connect: IntegrationState = { ...integration('Visitor API Key'), issues }
  const asked = { form: { requested_token_type: REQUESTED_TOKEN_TYPE.apiKey } }

  it.each([
    ['viewer', 'viewer'],
    ['publisher', 'publisher'],
    ['administrator', 'publisher'],
  ] as const)('of the lower role, without any consent: %s', (user_role, role) => {
    const known = { integration: connect, grant: undefined, visitor: user(VIEWER, { user_role }) }
    expect(outcome({ ...asked, facts: known })).toMatchObject({ verdict: 'visitor_key', role })
  })

  it.each<[string, Case, unknown[]]>([
    ['when none is asked for', { form: {} }, [242, 'invalid_request']],
    [
      'when the integration names no role',
      { facts: { integration: { ...connect, issues: { type: REQUESTED_TOKEN_TYPE.apiKey } } } },
      [244, 'invalid_target'],
    ],
    ['for content itself', { ofContent: true }, [252, 'invalid_request']],
    [
      'for open content',
      { facts: { integration: connect, content: content({ access_type: 'all' }) } },
      [237, 'invalid_target', ofContent],
    ],
    [
      'for rendered content',
      { facts: { integration: connect, content: content({ kind: 'rendered' }) } },
      [237, 'invalid_target', ofContent],
    ],
  ])('and none %s', (_, each, expected) => {
    expect(refusal({ ...asked, ...each, facts: { integration: connect, ...each.facts } })).toEqual(expected)
  })
})

describe('the exchange trades an ID token for temporary credentials', () => {
  const issues = { type: REQUESTED_TOKEN_TYPE.temporaryCredentials, endpoint: 'https://sts.example/', parameters: {} }
  const trading: IntegrationState = { ...integration(), issues }
  const asked = { form: { requested_token_type: REQUESTED_TOKEN_TYPE.temporaryCredentials } }
  const held = (changes: Partial<GrantFacts>): Case => ({ facts: { grant: grant(changes) } })
  const lasts = inSeconds(16)
  const faulty = (idTokenFault: GrantFacts['idTokenFault'], changes: Partial<GrantFacts> = {}): Case =>
    held({ idTokenFault, tokenSince: inSeconds(-60), ...changes })
  const ofViewer = (each: Case): Case => ({ ...asked, ...each, facts: { integration: trading, ...each.facts } })
  const ofItself = (each: Case = {}): Case => ({
    ...asked,
    ...each,
    ofContent: true,
    facts: { integration: { ...trading, auth_type: 'Service Account' }, serviceToken: undefined, ...each.facts },
  })

  it.each<[string, Case, string]>([
    ['of a viewer, while it lasts', held({ idTokenExpiresAt: lasts }), 'trade'],
    ['whatever has become of the access token', held({ idTokenExpiresAt: lasts, expiresAt: inSeconds(-9) }), 'trade'],
    ['without a refresh token', held({ idTokenExpiresAt: lasts, hasRefreshToken: false }), 'trade'],
    ['a new one, when it ends', held({ idTokenExpiresAt: inSeconds(15) }), 'refresh'],
    ['a new one, where none was kept before', held({}), 'refresh'],
    ['a new one, a minute after none came', faulty('none', { tokenSince: inSeconds(-61) }), 'refresh'],
    ['a new one, a minute after a bad one came', faulty('invalid', { tokenSince: inSeconds(-61) }), 'refresh'],
  ])('%s', (_, each, verdict) => {
    expect(outcome(ofViewer(each))).toMatchObject({ verdict, ...(verdict === 'refresh' && { oldIsValid: false }) })
  })

  it('of the content itself, which has no grant', () => {
    expect(outcome(ofItself())).toMatchObject({ verdict: 'trade', grant: undefined })
    expect(outcome(ofItself({ facts: { content: content({ access_type: 'all' }) } })).verdict).toBe('trade')
    expect(outcome(ofItself({ facts: { content: content({ kind: 'rendered' }) } })).verdict).toBe('trade')
  })

  it.each<[string, Case, unknown[]]>([
    ['when an access token is asked for', { ...held({ idTokenExpiresAt: lasts }), form: {} }, [242, 'invalid_request']],
    ['without consent', { facts: { grant: undefined } }, [220, 'consent_required']],
    ['when the provider wants consent', held({ status: 'consent_required' }), [219, 'consent_required']],
    [
      'when it has ended for good',
      held({ idTokenExpiresAt: inSeconds(15), hasRefreshToken: false }),
      [235, 'consent_required'],
    ],
    ['when the provider gave none', faulty('none'), [276, 'consent_required']],
    ['when it is not good', faulty('invalid'), [251, 'server_error']],
    ['when nobody knows whether it is good', faulty('unverified'), [275, 'server_error']],
    ['without a refresh token, when there never was one', held({ hasRefreshToken: false }), [276, 'consent_required']],
  ])('and does not %s', (_, each, expected) => {
    expect(refusal(ofViewer(each))).toEqual(expected)
  })

  it('for nobody who may not have it', () => {
    const good = held({ idTokenExpiresAt: lasts }).facts
    expect(refusal(ofViewer({ facts: { ...good, content: content({ locked: true }) } }))).toEqual([
      19,
      'invalid_request',
    ])
    expect(refusal(ofViewer({ facts: good!, caller: { ...contentKey, content: OTHER } }))[0]).toBe(22)
    expect(refusal(ofItself({ facts: { content: content({ kind: 'static' }) } }))[0]).toBe(237)
    expect(refusal(ofItself({ form: {} }))[0]).toBe(242)
    expect(refusal({ ...ofViewer({ facts: good! }), ofContent: true })[0]).toBe(252)
  })
})

describe('the exchange gives content the service account’s token, kept or new:', () => {
  it.each(OF_SERVICE)('%s', (_, each, verdict) => {
    expect(outcome({ ...each, ofContent: true }).verdict).toBe(verdict)
  })
})
