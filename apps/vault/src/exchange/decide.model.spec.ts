import { DomainError } from '#libs/contracts'
import { decide, readRequest } from './decide.js'
import { Chance, RandomHouse, type Asked, type Brought } from './random-house.fixture.js'

const EXCHANGES = 10_000
const NOW = new Date('2026-11-22T12:00:00Z')
const newGuid = (n: number): string => `00000000-0000-4000-8000-00000000000${n}`

/** Whose token the decision lets out. */
function brought(house: RandomHouse, asked: Asked): Brought {
  const { requireContentKeys } = house
  try {
    const request = readRequest(asked.form, asked.caller)
    const facts = house.facts(asked, NOW)
    const policy = { requireContentKeys, consentUrl: (guid: string) => guid }
    const decision = decide(request, asked.caller, asked.subject, facts, policy)
    switch (decision.verdict) {
      case 'issue':
      case 'refresh':
        expect(decision.viewer).toBe(asked.subject)
        return decision.grant.guid
      case 'issue_service':
      case 'obtain_service':
        return `service/${decision.integration.guid}`
      case 'trade': {
        const { grant, integration } = decision
        return grant
          ? grant.guid.replace('grant/', 'credentials/')
          : `credentials/${asked.subject.content}/${integration.guid}`
      }
      case 'visitor_key':
        return `key/${decision.viewer.userGuid}`
      case 'refuse':
        return undefined
    }
  } catch (error) {
    if (error instanceof DomainError) return undefined
    throw error
  }
}

describe('C25 the exchange of two people, two content items and two integrations', () => {
  it.each([1, 2, 3])(`does what the model says, ${EXCHANGES} times at random (seed %i)`, (seed) => {
    const house = RandomHouse.of(new Chance(seed), newGuid)
    const outcomes = new Map<string, number>()
    for (let n = 0; n < EXCHANGES; n++) {
      house.change()
      const asked = house.ask()
      const expected = house.expects(asked)
      const got = brought(house, asked)
      // `toEqual` for each would take seconds.
      if (got !== expected) expect({ n, asked, house, got }).toEqual({ n, asked, house, got: expected })
      const kind = expected?.split('/')[0] ?? 'refused'
      outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1)
    }
    // A model of which everything is refused would prove nothing.
    expect(outcomes.get('grant')).toBeGreaterThan(EXCHANGES / 200)
    expect(outcomes.get('service')).toBeGreaterThan(EXCHANGES / 200)
    expect(outcomes.get('credentials')).toBeGreaterThan(EXCHANGES / 400)
    expect(outcomes.get('refused')).toBeGreaterThan(EXCHANGES / 2)
  })
})
