import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { NameLookups, type Resolve } from './name-lookups.js'

/** A resolver that answers when it is told to. */
function byHand() {
  const asked: string[] = []
  const answers: (() => void)[] = []
  const resolve: Resolve = (hostname, done) => {
    asked.push(hostname)
    answers.push(() => done(null, [{ address: '93.184.216.34', family: 4 }]))
  }
  return { asked, answers, names: new NameLookups(resolve) }
}

describe('R10 names', () => {
  it('are looked up once for all who ask at the same time, and anew for who asks after the answer', () => {
    const { asked, answers, names } = byHand()
    const heard: unknown[] = []
    for (let n = 0; n < 50; n++) names.lookup('a.example', (error, [first]) => heard.push([error, first?.address]))
    expect([asked, heard]).toEqual([['a.example'], []])
    answers[0]!()
    expect(heard).toEqual(Array(50).fill([null, '93.184.216.34']))
    names.lookup('a.example', () => undefined)
    expect(asked).toEqual(['a.example', 'a.example'])
  })

  it('are four at a time; the next takes its turn when one is answered', () => {
    const { asked, answers, names } = byHand()
    const heard: string[] = []
    const all = ['a', 'b', 'c', 'd', 'e', 'f']
    for (const name of all) names.lookup(name, () => void heard.push(name))
    expect(asked).toEqual(['a', 'b', 'c', 'd'])
    answers[1]!()
    expect([asked, heard]).toEqual([['a', 'b', 'c', 'd', 'e'], ['b']])
    for (const answer of [answers[0]!, answers[2]!, answers[3]!, answers[4]!]) answer()
    answers[5]!()
    expect(heard.sort()).toEqual(all)
  })

  it('whose name server never answers hold one place, and other names are found', async () => {
    const silent = createSocket('udp4')
    silent.bind(0, '127.0.0.1')
    await once(silent, 'listening')
    let questions = 0
    silent.on('message', () => questions++)
    const resolver = new Resolver({ timeout: 60_000, tries: 1 })
    resolver.setServers([`127.0.0.1:${(silent.address() as AddressInfo).port}`])
    const names = new NameLookups((hostname, done) => {
      if (hostname === 'good.example') return done(null, [{ address: '93.184.216.34', family: 4 }])
      resolver.resolve4(hostname, (error) => done(error, []))
    })
    const errors: (Error | null)[] = []
    const given = Promise.withResolvers<void>()
    for (let n = 0; n < 100; n++)
      names.lookup('dead.example', (error) => {
        if (errors.push(error) === 100) given.resolve()
      })
    await once(silent, 'message')
    const good = await new Promise((resolve) =>
      names.lookup('good.example', (_error, [first]) => resolve(first?.address)),
    )
    expect([good, questions, errors]).toEqual(['93.184.216.34', 1, []])
    resolver.cancel()
    await given.promise
    expect(questions).toBe(1)
    silent.close()
  })
})
