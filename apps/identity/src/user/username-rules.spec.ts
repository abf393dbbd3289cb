import fc from 'fast-check'
import {
  isProhibited,
  legalUsername,
  localPart,
  mustBeEditableUsername,
  mustBePermitted,
  numberedUsername,
  PROHIBITED_USERNAMES,
} from './username-rules.js'

const refusal = (work: () => unknown): string | undefined => {
  try {
    work()
    return undefined
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('a username that is edited here', () => {
  it.each<[string, string, boolean]>([
    ['ID-05', 'ab', false],
    ['ID-05', 'abc', true],
    ['ID-05', 'a'.repeat(64), true],
    ['ID-05', 'a'.repeat(65), false],
    ['ID-06', '1abc', false],
    ['ID-06', '_abc', false],
    ['ID-06', '.abc', false],
    ['ID-07', 'a-b', false],
    ['ID-07', 'a b', false],
    ['ID-07', 'a@b', false],
    ['ID-07', 'a_b.c1', true],
    ['ID-07', 'adä', false],
    ['ID-07', 'adа', false],
    ['ID-07', 'ada\n', false],
  ])('%s H15 %j is legal: %s', (_id, username, legal) => {
    expect(refusal(() => mustBeEditableUsername(username))).toBe(legal ? undefined : 'user.username_invalid')
  })

  it.each(PROHIBITED_USERNAMES)('ID-08 is not %s', (username) => {
    for (const name of [username, username.toUpperCase()]) {
      expect(refusal(() => mustBeEditableUsername(name))).toBe('user.username_prohibited')
      expect(refusal(() => mustBePermitted(name))).toBe('user.username_prohibited')
    }
  })
})

it('ID-08 twenty usernames are prohibited', () => {
  expect(new Set(PROHIBITED_USERNAMES).size).toBe(20)
})

it('ID-09 only the prohibited list holds for a name that a provider states', () => {
  for (const name of ['a-b', '42', 'x']) expect(refusal(() => mustBePermitted(name))).toBeUndefined()
})

describe('a derived username', () => {
  it.each([
    ['ada.lovelace@company.com', 'ada.lovelace'],
    ['ada-l+spam@company.com', 'ada_l_spam'],
    ['José.Müller@company.com', 'Jose.Muller'],
    ['1abc@company.com', 'abc'],
    ['._x@company.com', 'x__'],
    ['al@company.com', 'al_'],
    ['42@company.com', 'user'],
    [`${'a'.repeat(70)}@company.com`, 'a'.repeat(64)],
  ])('ID-05 ID-06 ID-07 of %s is %s', (email, username) => {
    expect(legalUsername(localPart(email))).toBe(username)
  })

  it('ID-05 ID-06 ID-07 ID-20 is legal whatever it was made of, with every number', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.integer({ min: 1, max: 100_000 }),
        (text, number) => {
          const name = numberedUsername(legalUsername(text), number)
          if (!isProhibited(name)) mustBeEditableUsername(name)
        },
      ),
    )
  })

  it('ID-20 has a number of its own', () => {
    expect([1, 2, 10].map((number) => numberedUsername('ada', number))).toEqual(['ada', 'ada2', 'ada10'])
    expect(numberedUsername('a'.repeat(64), 12)).toBe('a'.repeat(62) + '12')
  })
})
