import { DomainError, type AccessType, type AuthType, type ContentKind } from '#libs/contracts'
import { mayBeOpenedTo, setAssociations, type Associable, type Candidate } from './association.rules.js'

const candidate = (authType: AuthType, guid: string = authType, usable = true): Candidate => ({
  guid,
  authType,
  usable,
})
const content = (changes: Partial<Associable> = {}): Associable => ({
  kind: 'interactive',
  accessType: 'acl',
  associated: new Map(),
  ...changes,
})
const holding = (...authTypes: AuthType[]): Associable['associated'] => new Map(authTypes.map((type) => [type, type]))

/** The code of the refusal; `undefined` when there is none. */
function refused(work: () => unknown): string | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof DomainError) return error.code
    throw error
  }
}

describe('which integrations a kind of content can have', () => {
  it.each<[string, AuthType, ContentKind, boolean]>([
    ['CONTENT-01 ASC-05', 'Viewer', 'interactive', true],
    ['CONTENT-02 ASC-05', 'Viewer', 'rendered', false],
    ['CONTENT-03 ASC-07', 'Viewer', 'static', false],
    ['CONTENT-04 ASC-06', 'Service Account', 'interactive', true],
    ['CONTENT-05 ASC-06', 'Service Account', 'rendered', true],
    ['CONTENT-06 ASC-07', 'Service Account', 'static', false],
    ['', 'Visitor API Key', 'interactive', true],
    ['', 'Visitor API Key', 'rendered', false],
    ['', 'Visitor API Key', 'static', false],
    ['before anything is deployed', 'Viewer', 'unknown', true],
    ['before anything is deployed', 'Service Account', 'unknown', true],
  ])('%s %s on %s content: %s', (_, authType, kind, supported) => {
    const code = refused(() => setAssociations([candidate(authType)], content({ kind })))
    expect(code).toBe(supported ? undefined : 'association.unsupported_auth_type')
  })
})

describe('which integrations content can have that so many may visit', () => {
  it.each<[string, AuthType, AccessType, boolean]>([
    ['CONTENT-07 CONTENT-11', 'Viewer', 'all', false],
    ['CONTENT-09', 'Service Account', 'all', true],
    ['', 'Visitor API Key', 'all', false],
    ['', 'Viewer', 'logged_in', true],
    ['', 'Service Account', 'logged_in', true],
    ['', 'Viewer', 'acl', true],
    ['', 'Service Account', 'acl', true],
  ])('%s %s with access %s, in either order: %s', (_, authType, accessType, supported) => {
    const first = refused(() => setAssociations([candidate(authType)], content({ accessType })))
    const later = refused(() => mayBeOpenedTo(accessType, { associated: holding(authType) }))
    expect([first, later]).toEqual(
      supported ? [undefined, undefined] : ['association.unsupported_auth_type', 'association.prevents_public_access'],
    )
  })

  it('CONTENT-11 asks about each of several', () => {
    const associated = holding('Service Account', 'Viewer')
    expect(refused(() => mayBeOpenedTo('all', { associated }))).toBe('association.prevents_public_access')
  })
})

describe('a list of integrations', () => {
  it('ASC-03 ASC-04 replaces what is there by what differs', () => {
    const associated = new Map<string, AuthType>([
      ['old', 'Viewer'],
      ['kept', 'Viewer'],
    ])
    const wanted = [candidate('Service Account', 'new'), candidate('Viewer', 'kept')]
    expect(setAssociations(wanted, content({ associated }))).toEqual([
      { type: 'IntegrationDissociated', data: { integrationGuid: 'old' } },
      { type: 'IntegrationAssociated', data: { integrationGuid: 'new', authType: 'Service Account' } },
    ])
  })

  it('is refused whole for one that the kind of content cannot have', () => {
    const wanted = [candidate('Service Account'), candidate('Viewer')]
    expect(refused(() => setAssociations(wanted, content({ kind: 'rendered' })))).toBe(
      'association.unsupported_auth_type',
    )
  })

  it('is refused when it names one twice', () => {
    const wanted = [candidate('Viewer'), candidate('Viewer')]
    expect(refused(() => setAssociations(wanted, content()))).toBe('association.duplicate')
  })

  it('is refused for one that its editor may not use, as if there were none, unless it is there already', () => {
    const hidden = candidate('Viewer', 'hidden', false)
    expect(refused(() => setAssociations([hidden], content()))).toBe('association.integration_unknown')
    expect(setAssociations([hidden], content({ associated: new Map([['hidden', 'Viewer']]) }))).toEqual([])
  })

  it('can be emptied whatever the content has become', () => {
    const associated = holding('Viewer')
    expect(setAssociations([], content({ kind: 'static', accessType: 'all', associated }))).toHaveLength(1)
  })
})
