import { jest } from '@jest/globals'
import { groupContract, type ChangeMessage, type GroupState } from '#libs/contracts'
import { Logger } from '@nestjs/common'
import { Freshness } from './freshness.js'
import { OwnerQuestions } from './owner-questions.js'
import { MemoryReplica, type Applied } from './replica-store.js'
import { Replica, Replicas } from './replica.js'
import { ChangeContext } from './transport.js'

const guid = '6f2a6f2a-0000-4000-8000-000000000001'
const subject = `identity.group.${guid}`
const named = (name: string): GroupState => ({ guid, name })
const changed = (version: number, state: GroupState | null, revision = 1): ChangeMessage<GroupState> => ({
  type: 'GroupChanged',
  schema_version: 1,
  revision,
  version,
  cause: [],
  state,
})

describe('a replica', () => {
  let now: number
  let freshness: Freshness
  let store: MemoryReplica<GroupState>
  let asked: number
  let ask: () => Promise<ChangeMessage | undefined>
  let replica: Replica<GroupState>
  let applied: Applied<GroupState>[]

  const beFresh = (): void => {
    freshness.looked('identity', 1)
    freshness.completed('identity')
    const at = new Date().toISOString()
    freshness.heard('identity', 2, { sent_at: at, complete_until: at })
  }
  beforeEach(() => {
    now = 0
    asked = 0
    applied = []
    ask = () => Promise.resolve(undefined)
    freshness = new Freshness(() => now)
    store = new MemoryReplica()
    const questions = new OwnerQuestions(
      () => {
        asked++
        return ask()
      },
      { now: () => now },
    )
    replica = new Replica(groupContract, store, freshness, questions)
    replica.onApplied((changes) => void applied.push(...changes))
  })

  describe('taking messages', () => {
    it('applies rising versions and ignores lower ones', async () => {
      await replica.handle(changed(2, named('two')), subject)
      await replica.handle(changed(1, named('one')), subject)
      await replica.handle(changed(3, named('three')), subject)
      expect(applied.map(({ version, before, after }) => [version, before?.name, after?.name])).toEqual([
        [2, undefined, 'two'],
        [3, 'two', 'three'],
      ])
    })

    it('keeps the order of messages that come in one breath', async () => {
      await Promise.all([1, 3, 2].map((version) => replica.handle(changed(version, named(`${version}`)), subject)))
      expect(store.peek(guid)).toMatchObject({ version: 3, state: { name: '3' } })
    })

    it('applies a higher revision of the same version, and never goes back to the lower one', async () => {
      await replica.handle(changed(2, named('old'), 1), subject)
      await replica.handle(changed(2, named('new'), 2), subject)
      await replica.handle(changed(2, named('old'), 1), subject)
      expect(store.peek(guid)).toMatchObject({ revision: 2, state: { name: 'new' } })
    })

    it('says nothing of a repeat that changes nothing', async () => {
      await replica.handle(changed(2, named('two')), subject)
      await replica.handle(changed(2, named('two')), subject)
      expect(applied).toHaveLength(1)
    })

    it('keeps a tombstone, so that a late message cannot bring the thing back', async () => {
      beFresh()
      await replica.handle(changed(3, null), subject)
      await replica.handle(changed(2, named('late')), subject)
      expect(await replica.find(guid)).toBeUndefined()
      expect(asked).toBe(0)
    })

    it('parks a message that breaks the contract, names it without its content, and takes the next', async () => {
      const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined)
      await replica.handle({ ...changed(4, named('x')), state: { guid, name: { canary: 1 } } }, subject)
      await replica.handle(undefined, subject)
      expect(replica.parkedCount).toBe(1)
      expect(JSON.stringify(logged.mock.calls)).toContain(`${subject}, version 4: its state.name cannot be read`)
      expect(JSON.stringify(logged.mock.calls)).not.toContain('canary')
      await replica.handle(changed(5, named('whole again')), subject)
      expect(replica.parkedCount).toBe(0)
      logged.mockRestore()
    })

    it('lets one change that cannot be stored stop no other', async () => {
      const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined)
      const other = guid.replace(/1$/, '2')
      replica.onApplied((changes) => {
        if (changes.some((change) => change.guid === guid)) throw new TypeError('a bug')
      })
      await Promise.all([
        replica.handle(changed(1, named('x')), subject),
        replica.handle(changed(1, { guid: other, name: 'other' }), `identity.group.${other}`),
      ])
      expect(store.peek(other)).toBeDefined()
      expect(replica.parkedCount).toBe(1)
      logged.mockRestore()
    })

    it('gives back what time can mend, to be tried again', async () => {
      const lost = Object.assign(new Error('terminating connection'), { code: '57P01' })
      replica.onApplied(() => Promise.reject(lost))
      await expect(replica.handle(changed(1, named('x')), subject)).rejects.toBe(lost)
      expect(replica.parkedCount).toBe(0)
    })

    it('finds the replica by the subject', async () => {
      const replicas = new Replicas(freshness).add(replica)
      await replicas.handle(changed(1, named('x')), new ChangeContext([subject]))
      await replicas.handle({}, new ChangeContext([`identity.unheard_of.${guid}`]))
      expect(replicas.of(groupContract)).toBe(replica)
      expect(store.peek(guid)).toBeDefined()
    })
  })

  describe('finding a document', () => {
    it('answers from a fresh copy without asking anybody', async () => {
      beFresh()
      await replica.handle(changed(1, named('x')), subject)
      expect(await replica.find(guid)).toEqual(named('x'))
      expect(asked).toBe(0)
    })

    it('R07 asks the owner when the copy is old, and applies the answer by its version', async () => {
      beFresh()
      await replica.handle(changed(1, named('old')), subject)
      now = 30_000
      ask = () => Promise.resolve(changed(2, named('new')))
      expect(await replica.find(guid)).toEqual(named('new'))
      expect(store.peek(guid)).toMatchObject({ version: 2 })
    })

    it('does not let an answer that was overtaken replace what is here', async () => {
      await replica.handle(changed(3, named('newer')), subject)
      ask = () => Promise.resolve(changed(2, named('older')))
      expect(await replica.find(guid)).toEqual(named('newer'))
    })

    it('R07 refuses when the copy is old and the owner does not answer', async () => {
      await replica.handle(changed(1, named('old')), subject)
      ask = () => Promise.reject(new Error('down'))
      await expect(replica.find(guid)).rejects.toMatchObject({ kind: 'unavailable', code: 'replica.stale' })
    })

    it('confirms a document that a fresh copy misses, unless told not to', async () => {
      beFresh()
      expect(await replica.find(guid, { confirm: false })).toBeUndefined()
      expect(asked).toBe(0)
      ask = () => Promise.resolve(changed(1, named('just made')))
      expect(await replica.find(guid)).toEqual(named('just made'))
      expect(await replica.find(guid)).toEqual(named('just made'))
      expect(asked).toBe(1)
    })

    it('answers an unconfirmed no above the limit, but nothing at all when the copy is old', async () => {
      beFresh()
      const strangers = Array.from({ length: 51 }, (_, index) => guid.replace(/..$/, `${index + 10}`))
      await Promise.all(strangers.map((stranger) => replica.find(stranger)))
      expect(asked).toBe(50)
      now = 29_999
      await Promise.all(strangers.map((stranger) => replica.find(stranger)))
      now = 30_000
      await expect(replica.find(guid)).rejects.toMatchObject({ code: 'replica.stale' })
    })

    it('asks for a document whose last message it could not take', async () => {
      const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined)
      beFresh()
      await replica.handle(changed(1, named('x')), subject)
      await replica.handle({ ...changed(2, null), state: 7 }, subject)
      ask = () => Promise.resolve(changed(2, named('y')))
      expect(await replica.find(guid)).toEqual(named('y'))
      expect(replica.isTrusted(guid)).toBe(true)
      logged.mockRestore()
    })

    it('asks nobody about a name that cannot be one', async () => {
      expect(await replica.find('../../etc/passwd')).toBeUndefined()
      expect(asked).toBe(0)
    })
  })
})
