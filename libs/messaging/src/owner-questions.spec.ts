import { groupContract, type ChangeMessage } from '#libs/contracts'
import { OwnerQuestions } from './owner-questions.js'

const answer: ChangeMessage = {
  type: 'GroupChanged',
  schema_version: 1,
  revision: 1,
  version: 3,
  cause: [],
  state: null,
}

describe('questions to the owner', () => {
  let now: number
  let asked: string[]
  const questions = (ask: () => Promise<ChangeMessage | undefined> = () => Promise.resolve(answer)): OwnerQuestions =>
    new OwnerQuestions(
      (_contract, guid) => {
        asked.push(guid)
        return ask()
      },
      { now: () => now, timeoutMs: 20 },
    )
  beforeEach(() => {
    now = 0
    asked = []
  })

  it('are one for a document in flight, however many wait for it', async () => {
    const open = questions()
    const answers = await Promise.all(Array.from({ length: 10 }, () => open.ask(groupContract, 'a')))
    expect(asked).toEqual(['a'])
    expect(answers.filter((each) => each.kind === 'answered' && each.again)).toHaveLength(9)
  })

  it('are not repeated for a second, whatever the answer', async () => {
    const open = questions(() => Promise.resolve(undefined))
    await open.ask(groupContract, 'a')
    now = 999
    expect(await open.ask(groupContract, 'a')).toEqual({ kind: 'answered', change: undefined, again: true })
    now = 1000
    await open.ask(groupContract, 'a')
    expect(asked).toEqual(['a', 'a'])
  })

  it('are fifty a second in all', async () => {
    const open = questions()
    const kinds = await Promise.all(Array.from({ length: 60 }, (_, index) => open.ask(groupContract, `${index}`)))
    expect(kinds.filter(({ kind }) => kind === 'over_limit')).toHaveLength(10)
    now = 100
    const later = await Promise.all(Array.from({ length: 60 }, (_, index) => open.ask(groupContract, `later ${index}`)))
    expect(later.filter(({ kind }) => kind === 'answered')).toHaveLength(5)
  })

  it('R07 end in a refusal when the owner is down or slow, which also stands for a second', async () => {
    const refusal = { kind: 'unavailable', code: 'replica.stale' }
    const down = questions(() => Promise.reject(new Error('connection refused')))
    await expect(down.ask(groupContract, 'a')).rejects.toMatchObject(refusal)
    await expect(down.ask(groupContract, 'a')).rejects.toMatchObject(refusal)
    expect(asked).toEqual(['a'])
    await expect(questions(() => new Promise(() => undefined)).ask(groupContract, 'a')).rejects.toMatchObject(refusal)
  })
})
