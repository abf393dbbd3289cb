import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair } from 'jose'
import { type Actor, CALLERS, type CallerName, type ServiceName } from '#libs/contracts'
import type { Permission } from '../decorators/route-policy.js'
import { ActorAssertions } from './actor-assertions.js'
import { admit } from './entry.guard.js'
import { ACTOR_KID, type Forgery, type House, makeHouse } from './house.fixture.js'
import { type FetchKeys, IdentityKeys } from './identity-keys.js'
import { Remembered } from './remembered.js'
import { ServiceKeys } from './service-keys.js'
import { ServiceTokens } from './service-tokens.js'

const now = Math.floor(Date.now() / 1000)
const viewer: Actor = { type: 'user', guid: 'v', role: 'viewer', sid: 's' }
const publisher: Actor = { type: 'key', guid: 'k', user: 'p', role: 'publisher' }
const contentKey: Actor = { type: 'content_key', guid: 'c', content: 'x', owner: 'p' }
const anonymous: Actor = { type: 'anonymous' }
const operator: Actor = { type: 'operator', name: 'ada' }

let house: House
let stranger: Awaited<ReturnType<typeof generateKeyPair>>
beforeAll(async () => {
  house = await makeHouse()
  stranger = await generateKeyPair('EdDSA', { extractable: true })
})

const code = (name: string) => expect.objectContaining({ code: name })

/** The function, with a count of its calls. */
function counted<A extends unknown[], R>(work: (...parameters: A) => R): ((...parameters: A) => R) & { calls: number } {
  const wrapped = Object.assign(
    (...parameters: A) => {
      wrapped.calls++
      return work(...parameters)
    },
    { calls: 0 },
  )
  return wrapped
}

describe('a service token', () => {
  it('is accepted by the service it is made for, and names the caller', async () => {
    const gateway = new ServiceTokens(await house.keysOf('gateway'))
    const vault = new ServiceTokens(await house.keysOf('vault'))
    expect(await vault.verify(await gateway.mint('vault'))).toBe('gateway')
  })

  it('CLI-07 of the operator names who sits at the shell', async () => {
    const operator = new ServiceTokens(await house.keysOf('operator'), 'ada')
    const identity = new ServiceTokens(await house.keysOf('identity'))
    expect(await identity.verify(await operator.mint('identity'))).toEqual({ type: 'operator', name: 'ada' })
  })

  it.each([undefined, '', 'a\u001b[2J', 'x'.repeat(65)])('of the operator is refused with the name %j', async (sub) => {
    const identity = new ServiceTokens(await house.keysOf('identity'))
    const token = await house.serviceToken('operator', 'identity', { claims: { sub } })
    await expect(identity.verify(token)).rejects.toEqual(code('service.token_invalid'))
  })

  it('is minted once for many calls, and apart for each callee', async () => {
    const gateway = new ServiceTokens(await house.keysOf('gateway'))
    expect(await gateway.mint('vault')).toBe(await gateway.mint('vault'))
    expect(await gateway.mint('vault')).not.toBe(await gateway.mint('identity'))
  })

  it('is verified once: the second time the answer is there at once', async () => {
    const vault = new ServiceTokens(await house.keysOf('vault'))
    const token = await house.serviceToken('gateway', 'vault')
    await vault.verify(token)
    expect(vault.verify(token)).toBe('gateway')
  })

  it.each<[string, Forgery, ServiceName?]>([
    ['made for another service', {}, 'identity'],
    ['made for several services', { claims: { aud: ['vault', 'identity'] } }],
    ['without an audience', { claims: { aud: undefined } }],
    ['expired', { claims: { iat: now - 120, exp: now - 60 } }],
    ['without an end', { claims: { exp: undefined } }],
    ['without a beginning', { claims: { iat: undefined } }],
    ['from the future', { claims: { iat: now + 120, exp: now + 180 } }],
    ['old, but with a late end', { claims: { iat: now - 3600, exp: now + 3600 } }],
    ['not good yet', { claims: { nbf: now + 120 } }],
    ['of another type', { header: { typ: 'keybearer-actor+jwt' } }],
    ['without a type', { header: { typ: undefined } }],
    ['in another service’s name', { claims: { iss: 'identity' } }],
    ['with another service’s key id', { header: { kid: 'identity' } }],
    ['with an unknown key id', { header: { kid: 'toString' } }],
    ['without a key id', { header: { kid: undefined } }],
  ])('is refused when it is %s', async (_, forgery, audience = 'vault') => {
    const vault = new ServiceTokens(await house.keysOf('vault'))
    const token = await house.serviceToken('gateway', audience, forgery)
    await expect(vault.verify(token)).rejects.toEqual(code('service.token_invalid'))
    await expect(vault.verify(token)).rejects.toEqual(code('service.token_invalid'))
  })

  it('is refused when a stranger signed it', async () => {
    const vault = new ServiceTokens(await house.keysOf('vault'))
    const token = await house.serviceToken('gateway', 'vault', { key: stranger.privateKey })
    await expect(vault.verify(token)).rejects.toEqual(code('service.token_invalid'))
  })

  it.each(['', 'x', 'a.b.c'])('is refused when it is %j', async (token) => {
    const vault = new ServiceTokens(await house.keysOf('vault'))
    await expect(vault.verify(token)).rejects.toEqual(code('service.token_invalid'))
  })

  it('is refused when it has no signature', async () => {
    const vault = new ServiceTokens(await house.keysOf('vault'))
    const [, claims] = (await house.serviceToken('gateway', 'vault')).split('.')
    const header = Buffer.from('{"alg":"none","typ":"keybearer-service+jwt","kid":"gateway"}').toString('base64url')
    await expect(vault.verify(`${header}.${claims}.`)).rejects.toEqual(code('service.token_invalid'))
  })
})

describe('an actor assertion', () => {
  const verifier = (fetchKeys: FetchKeys = house.actorKeys) => new ActorAssertions('vault', new IdentityKeys(fetchKeys))

  it('names the actor', async () => {
    expect(await verifier().verify(await house.assertion(viewer, 'vault'))).toEqual(viewer)
  })

  it('brings nothing into the house but the members of its actor', async () => {
    expect(await verifier().verify(await house.assertion({ ...viewer, email: 'v@example.com' }, 'vault'))).toEqual(
      viewer,
    )
  })

  it('says of a key that it was made for a visit, and of nobody else', async () => {
    const key = { type: 'key', guid: 'k', user: 'v', role: 'viewer' } as const
    const verified = async (actor: object) => await verifier().verify(await house.assertion(actor, 'vault'))
    expect(await verified(key)).toEqual(key)
    expect(await verified({ ...key, visit: 'c' })).toEqual({ ...key, visit: 'c' })
    for (const actor of [
      { ...viewer, visit: 'c' },
      { ...key, visit: '' },
      { ...key, visit: 7 },
    ])
      await expect(verified(actor)).rejects.toEqual(code('actor.assertion_invalid'))
  })

  it('is verified once: the second time the answer is there at once', async () => {
    const assertions = verifier()
    const token = await house.assertion(contentKey, 'vault')
    await assertions.verify(token)
    expect(assertions.verify(token)).toEqual(contentKey)
  })

  it.each<[string, object, Forgery, ServiceName?]>([
    ['made for another service', viewer, {}, 'identity'],
    ['made for several services', viewer, { claims: { aud: ['vault', 'identity'] } }],
    ['expired', viewer, { claims: { iat: now - 120, exp: now - 60 } }],
    ['old, but with a late end', viewer, { claims: { iat: now - 3600, exp: now + 3600 } }],
    ['by another issuer', viewer, { claims: { iss: 'gateway' } }],
    ['a user session token by type', viewer, { header: { typ: 'keybearer-user-session+jwt' } }],
    ['a service token by type', viewer, { header: { typ: 'keybearer-service+jwt' } }],
    ['without a key id', viewer, { header: { kid: undefined } }],
    ['about nobody', viewer, { claims: { actor: undefined } }],
    ['about an unknown kind of actor', { type: 'god' }, {}],
    ['about a user without a session', { type: 'user', guid: 'v', role: 'viewer' }, {}],
    ['about a user with an unknown role', { ...viewer, role: 'root' }, {}],
    ['about an actor with an inherited name', { type: 'constructor' }, {}],
  ])('is refused when it is %s', async (_, actor, forgery, audience = 'vault') => {
    const token = await house.assertion(actor, audience, forgery)
    await expect(verifier().verify(token)).rejects.toEqual(code('actor.assertion_invalid'))
  })

  it('is refused when a service signed it instead of identity', async () => {
    const { signingKey } = await house.keysOf('gateway')
    const token = await house.assertion(viewer, 'vault', { key: signingKey })
    await expect(verifier().verify(token)).rejects.toEqual(code('actor.assertion_invalid'))
  })

  it('cannot be judged while identity has never answered: that is not the caller’s fault', async () => {
    const assertions = verifier(() => Promise.reject(new Error('down')))
    await expect(assertions.verify(await house.assertion(viewer, 'vault'))).rejects.toMatchObject({
      kind: 'unavailable',
    })
  })
})

describe('the keys of identity', () => {
  const clock = { now: 0 }
  const keysAt = (fetchKeys: FetchKeys) => {
    clock.now = 0
    return new IdentityKeys(fetchKeys, () => clock.now)
  }

  it('are asked for once', async () => {
    const fetchKeys = counted(house.actorKeys)
    const keys = keysAt(fetchKeys)
    await Promise.all([keys.find(ACTOR_KID), keys.find(ACTOR_KID)])
    await keys.find(ACTOR_KID)
    expect(fetchKeys.calls).toBe(1)
  })

  it('are kept when identity goes down', async () => {
    let up = true
    const keys = keysAt(() => (up ? house.actorKeys() : Promise.reject(new Error('down'))))
    const before = await keys.find(ACTOR_KID)
    up = false
    clock.now = 3_600_000
    expect(await keys.find(ACTOR_KID)).toBe(before)
    expect(await keys.find(ACTOR_KID)).toBe(before)
  })

  it('are kept when identity answers with none', async () => {
    let answer = house.actorKeys
    const keys = keysAt(() => answer())
    await keys.find(ACTOR_KID)
    answer = () => Promise.resolve([])
    clock.now = 3_600_000
    await keys.find(ACTOR_KID)
    expect(await keys.find(ACTOR_KID)).toBeDefined()
  })

  it('are asked for again for a key that is new, but not for each token that names one', async () => {
    const [known] = await house.actorKeys()
    let published = [known!]
    const fetchKeys = counted(() => Promise.resolve(published))
    const keys = keysAt(fetchKeys)
    expect(await keys.find(ACTOR_KID)).toBeDefined()
    expect(await keys.find('actor-2')).toBeUndefined()
    expect(fetchKeys.calls).toBe(1)
    published = [known!, { ...known!, kid: 'actor-2' }]
    clock.now = 1_000
    expect(await keys.find('actor-2')).toBeDefined()
    expect(fetchKeys.calls).toBe(2)
  })

  it('go when identity withdraws them', async () => {
    const [known] = await house.actorKeys()
    let published = [known!]
    const keys = keysAt(() => Promise.resolve(published))
    await keys.find(ACTOR_KID)
    published = [{ ...known!, kid: 'actor-2' }]
    clock.now = 60_000
    await keys.find(ACTOR_KID)
    await keys.find('actor-2')
    expect(await keys.find(ACTOR_KID)).toBeUndefined()
  })
})

describe('remembered verifications', () => {
  it('end when the token does', async () => {
    let time = 0
    const check = counted(() => Promise.resolve({ value: 'yes', expiresAt: 60_000 }))
    const remembered = new Remembered(check, 10, () => time)
    await remembered.verify('t')
    time = 59_999
    expect(remembered.verify('t')).toBe('yes')
    time = 60_000
    await remembered.verify('t')
    expect(check.calls).toBe(2)
  })

  it('are shared by those who ask at once', async () => {
    const check = counted(() => Promise.resolve({ value: 'yes', expiresAt: Infinity }))
    const remembered = new Remembered(check)
    await Promise.all([remembered.verify('t'), remembered.verify('t')])
    expect(check.calls).toBe(1)
  })

  it('are bounded: the oldest goes', async () => {
    const check = counted((token: string) => Promise.resolve({ value: token, expiresAt: Infinity }))
    const remembered = new Remembered(check, 2)
    for (const token of ['a', 'b', 'c']) await remembered.verify(token)
    expect(remembered.verify('c')).toBe('c')
    expect(remembered.verify('b')).toBe('b')
    await remembered.verify('a')
    expect(check.calls).toBe(4)
  })
})

describe('who is admitted', () => {
  const role = (name: 'viewer' | 'publisher' | 'administrator'): Permission => ({ kind: 'role', role: name })
  const isPublic: Permission = { kind: 'public', reason: 'r' }
  const forActor = (...types: Actor['type'][]): Permission => ({ kind: 'actors', types })
  const service = (...calls: ('putClientSecret' | 'missingConsents' | 'operatorListsUsers')[]): Permission => ({
    kind: 'service',
    calls,
  })
  const asked = (permission: Permission, caller: CallerName, actor?: Actor) => () =>
    admit(permission as Exclude<Permission, { kind: 'open' }>, caller, actor)

  it.each<[string, Permission, CallerName, Actor | undefined, Actor]>([
    ['a person with the role', role('viewer'), 'gateway', viewer, viewer],
    ['a key with a higher role', role('viewer'), 'gateway', publisher, publisher],
    ['nobody on a public route', isPublic, 'gateway', undefined, anonymous],
    ['a person on a public route', isPublic, 'gateway', viewer, viewer],
    ['a content key where it is named', forActor('content_key', 'key'), 'gateway', contentKey, contentKey],
    ['nobody where nobody is named', forActor('anonymous'), 'gateway', undefined, anonymous],
    [
      'a service for itself',
      service('putClientSecret'),
      'integrations',
      undefined,
      { type: 'service', name: 'integrations' },
    ],
    ['a service with a person behind it', service('missingConsents'), 'gateway', viewer, viewer],
    ['the operator for what is theirs', service('operatorListsUsers'), 'operator', operator, operator],
  ])('%s', (_, permission, caller, actor, expected) => {
    expect(asked(permission, caller, actor)()).toEqual(expected)
  })

  it.each<[string, Permission, CallerName, Actor | undefined, string]>([
    ['nobody where a role is needed', role('viewer'), 'gateway', undefined, 'authentication.required'],
    ['an anonymous actor where a role is needed', role('viewer'), 'gateway', anonymous, 'authentication.required'],
    ['a person with too small a role', role('publisher'), 'gateway', viewer, 'permission.denied'],
    ['a content key where a role is needed', role('viewer'), 'gateway', contentKey, 'request.authentication_type'],
    ['a content key on a public route', isPublic, 'gateway', contentKey, 'request.authentication_type'],
    [
      'a visitor by link where a role is needed',
      role('viewer'),
      'gateway',
      { type: 'link', guid: 'l', content: 'c' },
      'request.authentication_type',
    ],
    [
      'the bootstrap holder where a role is needed',
      role('viewer'),
      'gateway',
      { type: 'bootstrap' },
      'request.authentication_type',
    ],
    [
      'a service where a role is needed',
      role('viewer'),
      'gateway',
      { type: 'service', name: 'x' },
      'request.authentication_type',
    ],
    ['another kind of actor than named', forActor('content_key'), 'gateway', viewer, 'request.authentication_type'],
    ['nobody where an actor is named', forActor('content_key'), 'gateway', undefined, 'authentication.required'],
    ['another service than the gateway on a public route', isPublic, 'vault', viewer, 'service.not_permitted'],
    [
      'another service than the gateway where a role is needed',
      role('viewer'),
      'integrations',
      publisher,
      'service.not_permitted',
    ],
    ['another caller than the table says', service('putClientSecret'), 'gateway', undefined, 'service.not_permitted'],
    [
      'an actor where the service must act for itself',
      service('putClientSecret'),
      'integrations',
      viewer,
      'service.not_permitted',
    ],
    [
      'nobody where the table wants a person',
      service('missingConsents'),
      'gateway',
      undefined,
      'service.not_permitted',
    ],
    ['another actor than the table says', service('missingConsents'), 'gateway', publisher, 'service.not_permitted'],
    [
      'the operator where a service is named',
      service('missingConsents'),
      'operator',
      operator,
      'service.not_permitted',
    ],
    ['the operator on a public route', isPublic, 'operator', operator, 'service.not_permitted'],
    ['the operator where a role is needed', role('viewer'), 'operator', operator, 'service.not_permitted'],
    [
      'the gateway for what is the operator’s',
      service('operatorListsUsers'),
      'gateway',
      viewer,
      'service.not_permitted',
    ],
    ['a service that names an operator', service('operatorListsUsers'), 'vault', operator, 'service.not_permitted'],
  ])('not %s', (_, permission, caller, actor, refused) => {
    expect(asked(permission, caller, actor)).toThrow(code(refused))
  })
})

describe('the keys of a service', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keys-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const file = (name: string, content: string, mode = 0o600) => {
    writeFileSync(join(folder, name), content)
    chmodSync(join(folder, name), mode)
    return join(folder, name)
  }

  it('are read from files, and give the same fingerprint key each time', async () => {
    const own = file('vault.json', JSON.stringify({ keys: [house.jwks.own('vault')] }))
    const all = file('services.json', JSON.stringify({ keys: house.jwks.all }), 0o644)
    const [one, two] = [await ServiceKeys.fromFiles('vault', own, all), await ServiceKeys.fromFiles('vault', own, all)]
    expect([...one.publicKeys.keys()]).toEqual([...CALLERS])
    expect(one.fingerprintKey.equals(two.fingerprintKey)).toBe(true)
    expect(one.fingerprintKey.equals((await house.keysOf('gateway')).fingerprintKey)).toBe(false)
  })

  it.each([
    ['open to others', JSON.stringify({ keys: [] }), 0o644, 'its mode must be 0600'],
    ['not JSON', '{"d":"hush"', 0o600, 'is not JSON'],
    ['not a key set', '{}', 0o600, 'is not a JSON Web Key Set'],
    ['without a key', '{"keys":[]}', 0o600, 'no private Ed25519 key for vault'],
  ])('are refused when the file is %s', async (_, content, mode, message) => {
    const own = file('broken.json', content, mode)
    const all = file('services.json', JSON.stringify({ keys: house.jwks.all }))
    const refused = ServiceKeys.fromFiles('vault', own, all)
    await expect(refused).rejects.toThrow(message)
    await expect(refused).rejects.not.toThrow('hush')
  })
})
