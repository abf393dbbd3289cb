import { format, inspect } from 'node:util'
import { Secret } from './secret.js'

const TEXT = 'canary-of-a-secret'
const secret = new Secret(TEXT)
const thrown = new Error('refused', { cause: secret })

describe('E21 a secret', () => {
  it('gives its text to whoever asks for it', () => {
    expect(secret.reveal()).toBe(TEXT)
  })

  it.each([
    ['String()', () => String(secret)],
    ['a template', () => `${secret.toString()}`],
    ['concatenation', () => 'x' + (secret as unknown as string)],
    ['JSON.stringify', () => JSON.stringify({ secret })],
    ['util.inspect', () => inspect({ secret }, { depth: 10, showHidden: true })],
    ['what console.log prints', () => format('%s %o %O %j', secret, secret, secret, secret)],
    ['an error’s cause', () => inspect(thrown, { depth: 10 })],
    ['a list of secrets', () => inspect(new Map([['a', [secret]]]), { depth: 10 })],
  ])('says [secret] in %s', (_where, said) => {
    expect(said()).toContain('[secret]')
    expect(said()).not.toContain(TEXT)
  })

  it.each([
    ['spread', () => ({ ...secret })],
    ['structured clone', () => structuredClone(secret)],
    ['Object.entries', () => Object.entries(secret)],
    ['own names', () => Reflect.ownKeys(secret).map((key) => [key, Reflect.get(secret, key) as unknown])],
  ])('leaves nothing behind in %s', (_how, copy) => {
    expect(inspect(copy(), { depth: 10, showHidden: true })).not.toContain(TEXT)
    expect(JSON.stringify(copy())).not.toContain(TEXT)
  })
})
