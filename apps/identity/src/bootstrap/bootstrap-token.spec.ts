import { SignJWT } from 'jose'
import { checkBootstrapToken } from './bootstrap-token.js'

const key = new Uint8Array(32).fill(7)
const now = new Date('2026-11-22T10:00:00Z')
const seconds = now.getTime() / 1000

const claims = { iss: 'rsconnect-python', aud: 'rsconnect', scope: 'bootstrap', exp: seconds + 900 }
const token = (changes: object = {}, alg = 'HS256', signedWith = key): Promise<string> =>
  new SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg }).sign(signedWith)
const check = (text: string | undefined, secret: Uint8Array | undefined = key) => checkBootstrapToken(text, secret, now)
const refused = { code: 'bootstrap.token_invalid' }

describe('a bootstrap token', () => {
  it('is taken when its holder has the secret', async () => {
    await expect(check(await token())).resolves.toBeUndefined()
  })

  it.each([
    ['another issuer', { iss: 'rsconnect-java' }],
    ['another audience', { aud: 'rsconnect2' }],
    ['another scope', { scope: 'all' }],
    ['no scope', { scope: undefined }],
    ['an end that is over', { exp: seconds - 1 }],
    ['no end', { exp: undefined }],
    ['an end that is far away', { exp: seconds + 86_400 }],
  ])('is refused with %s', async (_what, changes) => {
    await expect(check(await token(changes))).rejects.toMatchObject(refused)
  })

  it('is refused when somebody else signed it, or with another algorithm', async () => {
    await expect(check(await token({}, 'HS256', new Uint8Array(32)))).rejects.toMatchObject(refused)
    await expect(check(await token({}, 'HS512', new Uint8Array(64)))).rejects.toMatchObject(refused)
    const [, body] = (await token()).split('.')
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    await expect(check(`${none}.${body}.`)).rejects.toMatchObject(refused)
  })

  it.each([undefined, '', 'Connect-Bootstrap', 'a.b', 'a.b.c'])('is refused as %j', async (text) => {
    await expect(check(text)).rejects.toMatchObject(refused)
  })

  it('is refused where no secret is set', async () => {
    await expect(checkBootstrapToken(await token(), undefined, now)).rejects.toMatchObject(refused)
  })
})
