import { DomainError, Secret, type Role } from '#libs/contracts'
import type { InternalHttp } from '#libs/service'
import { keysOfVisitors, RememberedKeys } from './visitor-keys.js'

/** Identity, which makes another key each time. */
function house() {
  const clock = { now: 0 }
  const asked: [string, Role, string][] = []
  const fault: { error?: Error } = {}
  const issue = async (...args: [string, Role, string]) => {
    asked.push(args)
    await Promise.resolve()
    if (fault.error) throw fault.error
    return { key: new Secret(`key ${asked.length}`), expiresIn: 3600 }
  }
  const keys = new RememberedKeys({ issue }, () => clock.now)
  const given = async (...args: [string, Role, string]) => {
    const { key, expiresIn } = await keys.issue(...args)
    return [key.reveal(), expiresIn]
  }
  return { clock, asked, fault, given }
}

describe('the key of a visit', () => {
  it('is given again for half its life, and says how long it still lasts', async () => {
    const { clock, given } = house()
    expect(await given('u', 'viewer', 'c')).toEqual(['key 1', 3600])
    clock.now = 1_799_000
    expect(await given('u', 'viewer', 'c')).toEqual(['key 1', 1801])
    clock.now = 1_800_000
    expect(await given('u', 'viewer', 'c')).toEqual(['key 2', 3600])
  })

  it('lasts as long as identity says, though it took a moment to make', async () => {
    let now = 0
    const issue = () => {
      now += 20
      return Promise.resolve({ key: new Secret('key'), expiresIn: 3600 })
    }
    expect(await new RememberedKeys({ issue }, () => now).issue('u', 'viewer', 'c')).toMatchObject({ expiresIn: 3600 })
  })

  it('is made once for all who ask at once', async () => {
    const { asked, given } = house()
    const all = await Promise.all(Array.from({ length: 50 }, () => given('u', 'viewer', 'c')))
    expect([new Set(all.map(([key]) => key)), asked.length]).toEqual([new Set(['key 1']), 1])
  })

  it('is nobody else’s, of no other content and of no other role', async () => {
    const { given } = house()
    const all = [
      await given('u', 'viewer', 'c'),
      await given('v', 'viewer', 'c'),
      await given('u', 'publisher', 'c'),
      await given('u', 'viewer', 'd'),
    ]
    expect(new Set(all.map(([key]) => key)).size).toBe(4)
  })

  it('is asked for again after a failure', async () => {
    const { fault, given } = house()
    fault.error = new Error('identity is down')
    await expect(given('u', 'viewer', 'c')).rejects.toThrow('down')
    delete fault.error
    expect(await given('u', 'viewer', 'c')).toEqual(['key 2', 3600])
  })

  it('keeps no more than 10,000', async () => {
    const { asked, given } = house()
    for (let n = 0; n <= 10_000; n++) await given('u', 'viewer', `${n}`)
    await given('u', 'viewer', '1')
    expect(asked).toHaveLength(10_001)
    await given('u', 'viewer', '0')
    expect(asked).toHaveLength(10_002)
  })

  it('is nobody’s (217) whom identity does not know', async () => {
    const call = () => Promise.reject(new DomainError('not_found', 'user.not_found', 'none'))
    const keys = keysOfVisitors({ call } as unknown as InternalHttp)
    await expect(keys.issue('u', 'viewer', 'c')).rejects.toMatchObject({ code: 'exchange.subject_token_subject' })
  })
})
