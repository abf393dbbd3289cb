import fc from 'fast-check'
import type { Rotation } from '#libs/contracts'
import { specification } from '#libs/event-sourcing'
import { grantDecider, type GrantCommand } from './grant.decider.js'
import type { ConsentReason, Doubt, GrantEvent, RefreshFate } from './grant.events.js'
import { grantStream } from './grant.stream.js'

const USER = '11111111-1111-4111-8111-111111111111'
const INTEGRATION = '22222222-2222-4222-8222-222222222222'
const CLIENT = 'a client of a provider'
const at = (seconds: number): Date => new Date(Date.UTC(2026, 10, 22, 12, 0, seconds))
const LEASE_MS = 25_000

const obtained = (generation = 1, hasRefreshToken = true): GrantEvent => ({
  type: 'GrantObtained',
  data: {
    userGuid: USER,
    integrationGuid: INTEGRATION,
    generation,
    expiresAt: at(0).toISOString(),
    scope: 'profile',
    hasRefreshToken,
    client: CLIENT,
  },
})
const begun = (attempt: string, leaseUntil: Date, generation = 1): GrantEvent => ({
  type: 'RefreshBegun',
  data: { generation, attempt, leaseUntil: leaseUntil.toISOString() },
})
const refreshed = (attempt: string, generation: number): GrantEvent => ({
  type: 'TokenRefreshed',
  data: { attempt, generation, expiresAt: at(60).toISOString(), scope: 'profile' },
})
const failed = (attempt: string, fate: RefreshFate, error: string | null = null, inDoubt = false): GrantEvent => ({
  type: 'RefreshFailed',
  data: { attempt, generation: 1, fate, error, inDoubt },
})
const doubted = (attempt: string, reason: Doubt, quietUntil: Date | null = null): GrantEvent => ({
  type: 'RefreshInDoubt',
  data: { attempt, generation: 1, reason, quietUntil: quietUntil?.toISOString() ?? null },
})
const consentRequired = (reason: ConsentReason): GrantEvent => ({
  type: 'ConsentRequired',
  data: { generation: 1, reason },
})
const revoked: GrantEvent = { type: 'GrantRevoked', data: { reason: 'user' } }

const begin = (attempt: string, now: Date, generation = 1, rotation: Rotation = 'single_use'): GrantCommand => ({
  type: 'BeginRefresh',
  generation,
  attempt,
  now,
  leaseMilliseconds: LEASE_MS,
  rotation,
})
const recordRefreshed = (attempt: string, generation = 1): GrantCommand => ({
  type: 'RecordRefreshed',
  generation,
  attempt,
  expiresAt: at(60),
  scope: 'profile',
})
const recordFailed = (
  attempt: string,
  fate: RefreshFate,
  error: string | null = null,
  { inDoubt = false, rotation = 'single_use' }: { inDoubt?: boolean; rotation?: Rotation } = {},
): GrantCommand => ({
  type: 'RecordRefreshFailed',
  generation: 1,
  attempt,
  fate,
  error,
  inDoubt,
  rotation,
})
const obtain = (hasRefreshToken = true): GrantCommand => ({
  type: 'ObtainGrant',
  userGuid: USER,
  integrationGuid: INTEGRATION,
  hasRefreshToken,
  client: CLIENT,
  expiresAt: at(0),
  scope: 'profile',
})

const grant = specification(grantDecider)

describe('two requests that find the same expired token', () => {
  it('lets the first begin', () => {
    grant
      .given(obtained())
      .when(begin('first', at(1)))
      .then(begun('first', at(26)))
  })

  it('makes the second wait', () => {
    grant
      .given(obtained(), begun('first', at(26)))
      .when(begin('second', at(2)))
      .thenRefused('grant.refresh_in_progress')
  })

  it('frees a dead holder’s lease by itself', () => {
    grant
      .given(obtained(), begun('dead', at(26)))
      .when(begin('second', at(26)))
      .then(doubted('dead', 'holder_lost'), begun('second', at(51)))
  })

  it('stores a late success although its lease has ended and another has begun', () => {
    grant
      .given(obtained(), begun('late', at(26)), begun('second', at(51)))
      .when(recordRefreshed('late'))
      .then(refreshed('late', 2))
  })

  it('stores a late success although the grant was given up, which heals it', () => {
    grant
      .given(
        obtained(),
        begun('late', at(26)),
        begun('second', at(51)),
        failed('second', 'consent_required', 'invalid_grant'),
      )
      .when(recordRefreshed('late'))
      .then(refreshed('late', 2))
    grant
      .given(
        obtained(),
        begun('late', at(26)),
        begun('second', at(51)),
        failed('second', 'consent_required', 'invalid_grant'),
        refreshed('late', 2),
      )
      .when(begin('third', at(70), 2))
      .then(begun('third', at(95), 2))
  })

  it('refuses a second successor of the same token set', () => {
    grant
      .given(obtained(), begun('late', at(26)), begun('second', at(51)), refreshed('second', 2))
      .when(recordRefreshed('late'))
      .thenRefused('grant.superseded')
  })

  it('does not begin for somebody who has read a row that is out of date', () => {
    grant
      .given(obtained(), begun('first', at(26)), refreshed('first', 2))
      .when(begin('second', at(2)))
      .thenRefused('grant.superseded')
  })
})

describe('a refresh that fails', () => {
  it('lets the next request try when time may mend it', () => {
    grant
      .given(obtained(), begun('first', at(26)), failed('first', 'retry'))
      .when(begin('second', at(3)))
      .then(begun('second', at(28)))
  })

  it('asks for the user when the provider has refused the refresh token', () => {
    const history = [obtained(), begun('first', at(26))]
    grant
      .given(...history)
      .when(recordFailed('first', 'consent_required', 'invalid_grant'))
      .then(failed('first', 'consent_required', 'invalid_grant'), consentRequired('refused'))
    grant
      .given(...history, failed('first', 'consent_required', 'invalid_grant'))
      .when(begin('second', at(3)))
      .thenRefused('grant.consent_required')
  })

  it('says nothing when another has taken over', () => {
    grant
      .given(obtained(), begun('late', at(26)), begun('second', at(51)))
      .when(recordFailed('late', 'consent_required', 'invalid_grant'))
      .thenNothing()
  })

  it('says nothing when another has already succeeded', () => {
    grant
      .given(obtained(), begun('first', at(26)), refreshed('first', 2))
      .when(recordFailed('first', 'retry'))
      .thenNothing()
  })

  it('cannot begin without a refresh token', () => {
    grant
      .given(obtained(1, false))
      .when(begin('first', at(1)))
      .thenRefused('grant.no_refresh_token')
  })
})

describe('a refresh of which nobody knows what became', () => {
  const dead = [obtained(), begun('dead', at(25))]

  it('R02: is said to be in doubt before the refresh token is sent again', () => {
    for (const rotation of ['kept', 'grace', 'single_use'] as const)
      grant
        .given(...dead)
        .when(begin('second', at(30), 1, rotation))
        .then(doubted('dead', 'holder_lost'), begun('second', at(55)))
  })

  it('R02: waits one lease more for a late writer where a second use ends everything', () => {
    const quiet = doubted('dead', 'holder_lost', at(50))
    grant
      .given(...dead)
      .when(begin('second', at(30), 1, 'family'))
      .then(quiet)
    grant
      .given(...dead, quiet)
      .when(begin('second', at(49), 1, 'family'))
      .thenRefused('grant.refresh_in_progress')
    grant
      .given(...dead, quiet)
      .when(begin('second', at(50), 1, 'family'))
      .then(begun('second', at(75)))
    grant
      .given(...dead)
      .when(begin('second', at(51), 1, 'family'))
      .then(doubted('dead', 'holder_lost', at(50)), begun('second', at(76)))
    grant
      .given(...dead, quiet)
      .when(recordRefreshed('dead'))
      .then(refreshed('dead', 2))
  })

  it('R02: is in doubt too when no answer came in time', () => {
    const history = [obtained(), begun('first', at(25))]
    const noAnswer = failed('first', 'retry', null, true)
    grant
      .given(...history)
      .when(recordFailed('first', 'retry', null, { inDoubt: true }))
      .then(noAnswer, doubted('first', 'no_answer'))
    grant
      .given(...history)
      .when(recordFailed('first', 'retry', null, { inDoubt: true, rotation: 'family' }))
      .then(noAnswer, doubted('first', 'no_answer', at(25)))
  })

  it.each<[Rotation, ConsentReason]>([
    ['kept', 'refused'],
    ['grace', 'rotation_in_doubt'],
    ['single_use', 'rotation_in_doubt'],
    ['family', 'rotation_in_doubt'],
  ])('R02: says so when the refresh token is refused after that (%s)', (rotation, reason) => {
    grant
      .given(...dead, doubted('dead', 'holder_lost'), begun('second', at(60)))
      .when(recordFailed('second', 'consent_required', 'invalid_grant', { rotation }))
      .then(failed('second', 'consent_required', 'invalid_grant'), consentRequired(reason))
  })

  it('R02: is not held against the next generation', () => {
    grant
      .given(
        ...dead,
        doubted('dead', 'holder_lost'),
        begun('second', at(60)),
        refreshed('second', 2),
        begun('third', at(90), 2),
      )
      .when({ ...recordFailed('third', 'consent_required', 'invalid_grant'), generation: 2 } as GrantCommand)
      .then(
        {
          type: 'RefreshFailed',
          data: { ...failed('third', 'consent_required', 'invalid_grant').data, generation: 2 },
        } as GrantEvent,
        { type: 'ConsentRequired', data: { generation: 2, reason: 'refused' } },
      )
  })

  it('R02: heals when its holder comes back with the successor, even after the grant was given up', () => {
    const lost = [
      ...dead,
      doubted('dead', 'holder_lost'),
      begun('second', at(60)),
      failed('second', 'consent_required', 'invalid_grant'),
      consentRequired('rotation_in_doubt'),
    ]
    grant
      .given(...lost)
      .when(recordRefreshed('dead'))
      .then(refreshed('dead', 2))
    grant
      .given(...lost, refreshed('dead', 2))
      .when(begin('third', at(70), 2))
      .then(begun('third', at(95), 2))
  })

  it('says nothing of a failure that is heard of after the doubt', () => {
    grant
      .given(...dead, doubted('dead', 'holder_lost'))
      .when(recordFailed('dead', 'consent_required', 'invalid_grant'))
      .thenNothing()
  })
})

describe('a grant whose tokens do not open', () => {
  it('E17 wants its user, once, and nothing of it when it has moved on', () => {
    const damage: GrantCommand = { type: 'RecordDamage', generation: 1 }
    grant.given(obtained()).when(damage).then(consentRequired('damaged'))
    grant.given(obtained(), consentRequired('damaged')).when(damage).thenNothing()
    grant.given(obtained(), refreshed('one', 2)).when(damage).thenRefused('grant.superseded')
    grant
      .given(obtained(), consentRequired('damaged'))
      .when(begin('one', at(1)))
      .thenRefused('grant.consent_required')
  })
})

describe('consent', () => {
  it('begins with the first generation', () => {
    grant.when(obtain()).then(obtained(1))
  })

  it('makes a new generation each time, also after a revocation', () => {
    grant.given(obtained(1)).when(obtain()).then(obtained(2))
    grant.given(obtained(1), revoked).when(obtain()).then(obtained(2))
  })

  it('leaves a refresh of the former tokens without a place', () => {
    grant
      .given(obtained(1), begun('first', at(26)), obtained(2))
      .when(recordRefreshed('first'))
      .thenRefused('grant.superseded')
    grant
      .given(obtained(1), begun('first', at(26)), obtained(2))
      .when(recordFailed('first', 'consent_required', 'invalid_grant'))
      .thenNothing()
  })
})

describe('revocation', () => {
  it('ends a grant once', () => {
    grant.given(obtained()).when({ type: 'RevokeGrant', reason: 'user' }).then(revoked)
    grant.given(obtained(), revoked).when({ type: 'RevokeGrant', reason: 'user' }).thenNothing()
    grant.when({ type: 'RevokeGrant', reason: 'user' }).thenNothing()
  })

  it('ends for a changed integration only as what it was then', () => {
    const revoke = { type: 'RevokeGrant', reason: 'integration_changed', generation: 1 } as const
    const ended = { type: 'GrantRevoked', data: { reason: 'integration_changed' } } as const
    grant.given(obtained()).when(revoke).then(ended)
    grant.given(obtained(), obtained(2)).when(revoke).thenNothing()
  })

  it('has no room for a refresh that comes back later', () => {
    grant
      .given(obtained(), begun('first', at(26)), revoked)
      .when(recordRefreshed('first'))
      .thenRefused('grant.superseded')
    grant
      .given(obtained(), revoked)
      .when(begin('first', at(1)))
      .thenRefused('grant.superseded')
  })
})

describe('a grant of many years', () => {
  const fold = (events: readonly GrantEvent[]) =>
    events.reduce((state, event) => grantDecider.evolve(state, event), grantDecider.initial)

  const rotation = fc.constantFrom<Rotation>('kept', 'grace', 'single_use', 'family')
  const attempt = fc.constantFrom('one', 'two', 'three')
  const generation = fc.integer({ min: 1, max: 4 })
  const anyCommand: fc.Arbitrary<GrantCommand> = fc.oneof(
    fc.boolean().map(obtain),
    fc
      .tuple(attempt, fc.integer({ min: 0, max: 200 }), generation, rotation)
      .map(([name, seconds, ...rest]) => begin(name, at(seconds), ...rest)),
    fc.tuple(attempt, generation).map((args) => recordRefreshed(...args)),
    fc
      .tuple(
        attempt,
        fc.constantFrom<RefreshFate>('retry', 'misconfigured', 'consent_required'),
        fc.boolean(),
        rotation,
      )
      .map(([name, fate, inDoubt, rotation]) => recordFailed(name, fate, null, { inDoubt, rotation })),
    fc.constant<GrantCommand>({ type: 'RevokeGrant', reason: 'user' }),
  )

  it('R02: is known from the last event with tokens on, whatever has happened before', () => {
    fc.assert(
      fc.property(fc.array(anyCommand, { maxLength: 60 }), (commands) => {
        const events: GrantEvent[] = []
        for (const command of commands) {
          try {
            events.push(...grantDecider.decide(command, fold(events)))
          } catch {
            // A refusal changes nothing.
          }
          const start = events.findLastIndex(({ type }) => grantStream.foldsFrom.includes(type))
          expect(fold(events.slice(Math.max(0, start)))).toEqual(fold(events))
        }
      }),
    )
  })
})
