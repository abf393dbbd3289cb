import { randomUUID } from 'node:crypto'
import { Logger } from '@nestjs/common'
import { TokenEndpointError, type Outbound, type TokenEndpointFault } from '#libs/oauth'
import { ExchangeSettings } from '#libs/service'
import { NotAskedError, ProviderCalls, type ProviderEndpoint } from './provider-calls.js'

Logger.overrideLogger(false)

const outbound = {} as Outbound
const fault = (changes: Partial<TokenEndpointFault> = {}): TokenEndpointError =>
  new TokenEndpointError({ fate: 'retry', reason: 'refused', sent: true, inDoubt: false, status: 503, ...changes })
const refusal = fault({ fate: 'misconfigured', error: 'invalid_client', status: 401 })

describe('calls to a provider', () => {
  let calls: ProviderCalls
  let endpoint: ProviderEndpoint
  beforeEach(() => {
    calls = new ProviderCalls(outbound, new ExchangeSettings())
    endpoint = { integrationGuid: randomUUID(), url: 'https://op.example/token' }
  })
  const asking = async (error?: TokenEndpointError, at = endpoint): Promise<unknown> => {
    try {
      return await calls.visit(at, (ask) => ask(() => (error ? Promise.reject(error) : Promise.resolve('answer'))))
    } catch (thrown) {
      return thrown instanceof NotAskedError ? thrown.reason : 'failed'
    }
  }
  const sicken = async (): Promise<void> => {
    for (let failures = 0; failures < 5; failures++) expect(await asking(fault())).toBe('failed')
  }

  it('R10 are made through the one client that may leave the house', async () => {
    expect(await calls.visit(endpoint, (ask) => ask((given) => Promise.resolve(given)))).toBe(outbound)
  })

  it('R10 are not made any more after five failures in a row, at this endpoint for this integration', async () => {
    await sicken()
    expect(await asking()).toBe('left_in_peace')
    expect(await asking(undefined, { ...endpoint, url: 'https://op.example/revoke' })).toBe('answer')
    expect(await asking(undefined, { ...endpoint, integrationGuid: randomUUID() })).toBe('answer')
  })

  it('R10 are made when it refuses: that is an answer', async () => {
    for (let refusals = 0; refusals < 9; refusals++) await asking(refusal)
    expect(await asking()).toBe('answer')
  })

  it.each([400, 403, 404, 422])('R10 are made when it refuses one with %d in words of its own', async (status) => {
    for (let refusals = 0; refusals < 9; refusals++) await asking(fault({ status, error: 'user_suspended' }))
    expect(await asking()).toBe('answer')
  })

  it.each([408, 429, 500])('R10 are not made any more after five answers of %d', async (status) => {
    for (let failures = 0; failures < 5; failures++) await asking(fault({ status }))
    expect(await asking()).toBe('left_in_peace')
  })

  it('R10 are not made any more after five answers that say it is busy, whatever their status', async () => {
    for (let failures = 0; failures < 5; failures++)
      await asking(fault({ status: 400, error: 'Throttling', busy: true }))
    expect(await asking()).toBe('left_in_peace')
  })

  it('R10 for refreshes do not hear of the codes that viewers bring', async () => {
    const redemptions: ProviderEndpoint = { ...endpoint, use: 'redemption' }
    await asking(fault({ status: 429, retryAfterSeconds: 300 }), redemptions)
    expect(await asking(undefined, redemptions)).toBe('left_in_peace')
    expect(await asking()).toBe('answer')
  })

  it('R10 wait as long as it wants (Retry-After), and say so', async () => {
    await asking(fault({ retryAfterSeconds: 120 }))
    const refused = calls.visit(endpoint, () => Promise.resolve())
    await expect(refused).rejects.toMatchObject({ fate: 'retry', sent: false, inDoubt: false, retryAfterSeconds: 120 })
  })

  it('R10 that come to nothing leave the turn to the next one', async () => {
    await asking(fault({ retryAfterSeconds: 0.02 }))
    const failing = () => calls.visit(endpoint, () => Promise.reject(new Error('the safe does not open')))
    // Let in alone after the rest, it fails before it has asked.
    for (;;) {
      const error: unknown = await failing().catch((thrown: unknown) => thrown)
      if (!(error instanceof NotAskedError)) break
      await new Promise(setImmediate)
    }
    expect(await asking()).toBe('answer')
  })

  it('R10 are sixteen at a time, however they end; sixty-four wait, and the rest are told at once', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    let inside = 0
    const long = () =>
      calls.visit(endpoint, async () => {
        inside++
        await promise
        throw new Error('however')
      })
    const all = Array.from({ length: 80 }, () => long().catch(() => 'over'))
    await expect(long()).rejects.toMatchObject({ reason: 'crowded' })
    expect([inside, calls.hasRoom(endpoint)]).toEqual([16, false])
    expect(await calls.visit(endpoint, () => Promise.resolve(), 1).catch(({ reason }: NotAskedError) => reason)).toBe(
      'crowded',
    )
    resolve()
    expect(new Set(await Promise.all(all))).toEqual(new Set(['over']))
    expect([inside, calls.hasRoom(endpoint), await asking()]).toEqual([80, true, 'answer'])
  })
})
