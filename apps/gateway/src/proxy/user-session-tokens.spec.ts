import type { ContentState } from '#libs/contracts'
import { Logger } from '@nestjs/common'
import { Consents } from './consents.js'
import { UserSessionTokens } from './user-session-tokens.js'

let now = 0
beforeAll(() => Logger.overrideLogger(false))
beforeEach(() => (now = 0))

describe('user session tokens', () => {
  const make = (expiresIn = 3600) => {
    const issued: string[] = []
    const tokens = new UserSessionTokens(
      (contentGuid) => {
        issued.push(contentGuid)
        return Promise.resolve({ token: `${contentGuid}-${issued.length}`, expires_in: expiresIn })
      },
      () => now,
    )
    const of = (sid: string, content: string) => tokens.of(sid, content, () => Promise.resolve('assertion'))
    return { tokens, issued, of }
  }

  it('are one for each session and content, asked for once however many come', async () => {
    const { issued, of } = make()
    const [a, b, c, d] = await Promise.all([of('s1', 'A'), of('s1', 'A'), of('s1', 'B'), of('s2', 'A')])
    expect(a).toBe(b)
    expect(new Set([a, c, d]).size).toBe(3)
    expect(issued).toHaveLength(3)
  })

  it('are replaced a minute before they expire', async () => {
    const { of } = make()
    expect(await of('s', 'A')).toBe('A-1')
    now = 3_539_999
    expect(await of('s', 'A')).toBe('A-1')
    now = 3_540_000
    expect(await of('s', 'A')).toBe('A-2')
  })

  it('are dropped with their session', async () => {
    const { tokens, of } = make()
    await of('s', 'A')
    tokens.ended('s')
    expect(await of('s', 'A')).toBe('A-2')
  })

  it('are not remembered when their session ended while they were made', async () => {
    const { tokens, of } = make()
    const first = of('s', 'A')
    tokens.ended('s')
    await first
    expect(await of('s', 'A')).toBe('A-2')
  })

  it('are asked for again after a failure', async () => {
    let fails = true
    const tokens = new UserSessionTokens(() =>
      fails ? Promise.reject(new Error('away')) : Promise.resolve({ token: 'T', expires_in: 60 }),
    )
    await expect(tokens.of('s', 'A', () => Promise.resolve(''))).rejects.toThrow('away')
    fails = false
    expect(await tokens.of('s', 'A', () => Promise.resolve(''))).toBe('T')
  })
})

describe('consents', () => {
  const content = {
    guid: 'A',
    associations: [{ oauth_integration_guid: 'I', auth_type: 'Viewer' }],
  } as unknown as ContentState
  const make = (missing: () => Promise<string[]>) => {
    let asked = 0
    const consents = new Consents(
      () => {
        asked += 1
        return missing()
      },
      () => now,
    )
    return {
      of: (version = 1) => consents.firstMissing('U', content, version, () => Promise.resolve('')),
      asked: () => asked,
    }
  }

  it('that are complete are believed for some minutes, for the same version of the content', async () => {
    const { of, asked } = make(() => Promise.resolve([]))
    await of()
    await of()
    expect(asked()).toBe(1)
    await of(2)
    expect(asked()).toBe(2)
    now = 5 * 60_000
    await of()
    expect(asked()).toBe(3)
  })

  it('that are missing are asked for each time', async () => {
    const { of, asked } = make(() => Promise.resolve(['I', 'J']))
    expect(await of()).toBe('I')
    expect(await of()).toBe('I')
    expect(asked()).toBe(2)
  })

  it('hold nobody up when the vault does not answer', async () => {
    const { of } = make(() => Promise.reject(new Error('away')))
    expect(await of()).toBeUndefined()
  })
})
