import { LoginLimit } from './login-limit.js'

describe('beginning logins', () => {
  let now: number
  let limit: LoginLimit
  beforeEach(() => {
    now = 0
    limit = new LoginLimit(() => now)
  })
  const begun = (address: string, times: number): number => {
    let count = 0
    for (let time = 0; time < times; time++) {
      try {
        limit.take(address)
        count++
      } catch (error) {
        expect(error).toMatchObject({ code: 'request.rate_limited', payload: { retry_after: 1 } })
      }
    }
    return count
  }

  it.each(['192.0.2.7', '2001:db8::7', '::ffff:192.0.2.7'])(
    'H19 is limited for one address, %s, and no other',
    (address) => {
      expect(begun(address, 150)).toBe(100)
      expect(begun('192.0.2.8', 1)).toBe(1)
      now += 1000
      expect(begun(address, 20)).toBe(8)
    },
  )

  it('never makes so many in ten minutes that others are pushed out', () => {
    let count = 0
    for (; now < 600_000; now += 1000) count += begun('192.0.2.7', now === 0 ? 150 : 10)
    expect(count).toBeLessThan(10_000 / 1.9)
  })

  it('counts failures only, where only those are to be counted', async () => {
    const tried = async (times: number, succeeds: boolean): Promise<number> => {
      let count = 0
      for (let time = 0; time < times; time++) {
        await limit
          .countFailure('192.0.2.7', () => Promise.resolve(++count > 0 && succeeds))
          .catch((error: unknown) => {
            expect(error).toMatchObject({ code: 'request.rate_limited', payload: { retry_after: 1 } })
          })
      }
      return count
    }
    expect(await tried(1000, true)).toBe(1000)
    expect(await tried(150, false)).toBe(100)
    expect(await tried(1, true)).toBe(0)
    now += 1000
    expect(await tried(20, true)).toBe(20)
  })

  it.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])('is left to the reverse proxy at %s', (address) => {
    expect(begun(address, 1000)).toBe(1000)
  })
})
