import { type Actor, authenticationFailed, DomainError } from '#libs/contracts'
import { ActorAssertions, type AskIdentity } from './actor-assertions.js'
import { FailureLimit } from '#libs/service'

const actor: Actor = { type: 'key', guid: 'key-1', user: 'user-1', role: 'publisher' }
const presented = { type: 'api_key', secret: 'kb_1' } as const

describe('what is remembered of a credential', () => {
  let now = 0
  let isFresh = true
  let asked = 0
  let answer: AskIdentity

  beforeEach(() => {
    now = 1_000_000
    isFresh = true
    asked = 0
    answer = (_, audience) => Promise.resolve({ actor, assertion: `for-${audience}-${asked}`, expires_in: 60 })
  })
  const make = (): ActorAssertions => {
    const ask: AskIdentity = (...question) => {
      asked += 1
      return answer(...question)
    }
    return new ActorAssertions(
      ask,
      () => isFresh,
      new FailureLimit(() => now),
      ({ secret }) => secret.startsWith('known'),
      () => now,
    )
  }
  const use = async (assertions: ActorAssertions) => (await assertions.of(presented, 'vault', '10.0.0.1')).assertion

  it('R07 is good for less than a minute, and only while changes are heard of', async () => {
    const assertions = make()
    expect(await use(assertions)).toBe('for-vault-1')
    now += 54_000
    expect(await use(assertions)).toBe('for-vault-1')
    now += 1_000
    expect(await use(assertions)).toBe('for-vault-2')
    isFresh = false
    expect(await use(assertions)).toBe('for-vault-3')
    expect(await use(assertions)).toBe('for-vault-4')
  })

  it.each(['key-1', 'user-1'])('is dropped when %s changes, and only then', async (guid) => {
    const assertions = make()
    await use(assertions)
    assertions.changed('somebody-else')
    expect(await use(assertions)).toBe('for-vault-1')
    assertions.changed(guid)
    expect(assertions.size).toBe(0)
    expect(await use(assertions)).toBe('for-vault-2')
  })

  it('is nothing when a change came while identity was answering', async () => {
    let tell: () => void = () => undefined
    answer = () => new Promise((resolve) => (tell = () => resolve({ actor, assertion: 'old', expires_in: 60 })))
    const assertions = make()
    const first = use(assertions)
    assertions.changed('user-1')
    tell()
    expect(await first).toBe('old')
    expect(assertions.size).toBe(0)
  })

  it('is nothing when identity cannot be reached: the next one asks again', async () => {
    answer = () => Promise.reject(new DomainError('unavailable', 'service.unavailable', 'away'))
    const assertions = make()
    await expect(use(assertions)).rejects.toMatchObject({ code: 'service.unavailable' })
    await expect(use(assertions)).rejects.toMatchObject({ code: 'service.unavailable' })
    expect(asked).toBe(2)
  })

  it('is for a second that it is unknown', async () => {
    answer = () => Promise.reject(authenticationFailed())
    const assertions = make()
    await expect(use(assertions)).rejects.toMatchObject({ code: 'authentication.failed' })
    await expect(use(assertions)).rejects.toMatchObject({ code: 'authentication.failed' })
    expect(asked).toBe(1)
    now += 1_000
    await expect(use(assertions)).rejects.toMatchObject({ code: 'authentication.failed' })
    expect(asked).toBe(2)
  })

  it('is bounded', async () => {
    const assertions = make()
    for (let at = 0; at < 10_050; at++) await assertions.of({ type: 'api_key', secret: `kb_${at}` }, 'vault', 'a')
    expect(assertions.size).toBe(10_000)
  })

  it('is asked for, for whom there is, whatever others at the same address try', async () => {
    answer = () => Promise.reject(authenticationFailed())
    const assertions = make()
    const come = async (secret: string) => assertions.of({ type: 'session', secret }, 'vault', 'one-proxy-for-all')
    const codes: string[] = []
    for (let at = 0; at < 60; at++) await come(`guess-${at}`).catch(({ code }: DomainError) => codes.push(code))
    expect(codes.filter((code) => code === 'request.rate_limited')).toHaveLength(10)
    answer = () => Promise.resolve({ actor, assertion: 'good', expires_in: 60 })
    await expect(come('a new one')).rejects.toMatchObject({ code: 'request.rate_limited' })
    expect((await come('known'))?.assertion).toBe('good')
  })

  it('is asked for no oftener at once than may fail', async () => {
    const judge = Promise.withResolvers<void>()
    answer = () => judge.promise.then(() => Promise.reject(authenticationFailed()))
    const assertions = make()
    const codes: string[] = []
    const guesses = Array.from({ length: 60 }, (_, at) =>
      Promise.resolve(assertions.of({ type: 'api_key', secret: `guess-${at}` }, 'vault', 'a')).catch(
        ({ code }: DomainError) => void codes.push(code),
      ),
    )
    expect(asked).toBe(50)
    judge.resolve()
    await Promise.all(guesses)
    expect(codes.filter((code) => code === 'authentication.failed')).toHaveLength(50)
    expect(codes.filter((code) => code === 'request.rate_limited')).toHaveLength(10)
  })

  it('is asked for again, for whom identity has known, although their address is used up', async () => {
    const assertions = make()
    await use(assertions)
    answer = () => Promise.reject(authenticationFailed())
    for (let at = 0; at < 50; at++) {
      await Promise.resolve(assertions.of({ type: 'api_key', secret: `guess-${at}` }, 'vault', '10.0.0.1')).catch(
        () => undefined,
      )
    }
    isFresh = false
    answer = () => Promise.resolve({ actor, assertion: 'again', expires_in: 60 })
    expect(await use(assertions)).toBe('again')
  })

  it('never holds the credential itself', async () => {
    const assertions = make()
    await use(assertions)
    expect(JSON.stringify(Object.values(assertions))).not.toContain('kb_1')
  })
})

describe('guessing', () => {
  /** Whole seconds. */
  function waitOf(limit: FailureLimit, address: string): unknown {
    try {
      return void limit.mustHaveLeft(address, 'Wait.')
    } catch (error) {
      return (error as DomainError).payload?.['retry_after']
    }
  }

  it('H19 says how long to wait, which is enough', () => {
    let now = 0
    const limit = new FailureLimit(() => now, 10, 1 / 6)
    for (let time = 0; time < 100; time++) limit.failed('10.0.0.1')
    expect(waitOf(limit, '10.0.0.1')).toBe(6)
    now += 1500
    expect(waitOf(limit, '10.0.0.1')).toBe(5)
    now += 5000
    expect(waitOf(limit, '10.0.0.1')).toBeUndefined()
  })

  it('H19 is slowed down for the address that guesses, and for no other', () => {
    let now = 0
    const limit = new FailureLimit(() => now)
    for (let time = 0; time < 50; time++) limit.failed('10.0.0.1')
    expect(waitOf(limit, '10.0.0.1')).toBe(1)
    expect(waitOf(limit, '10.0.0.2')).toBe(undefined)
    now += 100
    expect(waitOf(limit, '10.0.0.1')).toBe(undefined)
  })

  it('is forgiven as soon after many failures as after few', () => {
    let now = 0
    const limit = new FailureLimit(() => now)
    for (let time = 0; time < 5000; time++) limit.failed('10.0.0.1')
    now += 100
    expect(waitOf(limit, '10.0.0.1')).toBe(undefined)
  })

  it('counts while it is not known yet what comes of it', async () => {
    const limit = new FailureLimit(() => 0)
    const ends = Array.from({ length: 50 }, () => Promise.withResolvers<void>())
    const attempts = ends.map(({ promise }) => limit.pending('10.0.0.1', promise))
    expect(waitOf(limit, '10.0.0.1')).toBe(1)
    ends[0]!.resolve()
    await attempts[0]
    expect(waitOf(limit, '10.0.0.1')).toBe(undefined)
    for (const { resolve } of ends) resolve()
    await Promise.all(attempts)
    for (let time = 0; time < 49; time++) limit.failed('10.0.0.1')
    expect(waitOf(limit, '10.0.0.1')).toBe(undefined)
  })
})
