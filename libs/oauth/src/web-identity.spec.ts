import { Secret } from '#libs/contracts'
import { TokenEndpointError } from './errors.js'
import { OutboundError, type OutboundAnswer, type OutboundRequest } from './outbound.js'
import { assumeRoleWithWebIdentity, type TemporaryCredentials } from './web-identity.js'

const TOKEN = 'eyJh.canaryToken.c2ln'
const SERVICE = {
  endpoint: 'https://sts.example.com/',
  parameters: { Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15', RoleArn: 'arn:aws:iam::1:role/a' },
}
const CREDENTIALS = `<Credentials><SessionToken>IQo+/tok==</SessionToken><SecretAccessKey>wJal/s+ecret</SecretAccessKey>
  <Expiration>2026-11-22T13:00:00.123Z</Expiration><AccessKeyId>ASIAEXAMPLE0000000AB</AccessKeyId></Credentials>`
const answerOf = (inner: string): string =>
  `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>` +
  `${inner}</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`
const errorOf = (code: string): string =>
  `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${TOKEN} is bad</Message></Error></ErrorResponse>`

let asked: OutboundRequest[] = []
const told = (status: number, body: string, headers = {}) => ({
  request: (request: OutboundRequest): Promise<OutboundAnswer> => {
    asked.push(request)
    return Promise.resolve({ status, headers: new Headers(headers), body: Buffer.from(body) })
  },
})
beforeEach(() => (asked = []))

const trade = (outbound: Parameters<typeof assumeRoleWithWebIdentity>[0]): Promise<TemporaryCredentials> =>
  assumeRoleWithWebIdentity(outbound, SERVICE, new Secret(TOKEN), 'viewer-1', { deadlineMs: 1 })

async function fault(outbound: Parameters<typeof assumeRoleWithWebIdentity>[0]): Promise<unknown[]> {
  const error: unknown = await trade(outbound).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(TokenEndpointError)
  expect(JSON.stringify([error, String(error)])).not.toMatch(/canary|eyJ|secret/)
  const { fate, error: code, status } = error as TokenEndpointError
  return [fate, code, status]
}

describe('an ID token’s trade for credentials', () => {
  it('is one form, unsigned, and brings what the service gives', async () => {
    const got = await trade(told(200, answerOf(CREDENTIALS)))
    expect(got).toMatchObject({ accessKeyId: 'ASIAEXAMPLE0000000AB', expiration: new Date('2026-11-22T13:00:00.123Z') })
    expect([got.secretAccessKey.reveal(), got.sessionToken.reveal()]).toEqual(['wJal/s+ecret', 'IQo+/tok=='])
    const [{ url, method, headers, body, deadlineMs }] = asked as [OutboundRequest]
    expect({ url, method, headers, deadlineMs }).toEqual({
      ...{ url: SERVICE.endpoint, method: 'POST', deadlineMs: 1 },
      headers: { accept: 'text/xml', 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect(Object.fromEntries(new URLSearchParams(String(body)))).toEqual({
      ...SERVICE.parameters,
      RoleSessionName: 'viewer-1',
      WebIdentityToken: TOKEN,
    })
  })

  it.each([
    ['AccessDenied', 403, 'misconfigured', 'AccessDenied'],
    ['InvalidIdentityToken', 400, 'misconfigured', 'InvalidIdentityToken'],
    ['Throttling', 400, 'retry', 'Throttling'],
    ['RequestLimitExceeded', 503, 'retry', 'RequestLimitExceeded'],
    ['InternalFailure', 500, 'retry', 'InternalFailure'],
    ['canaryToken', 400, 'misconfigured', 'unrecognised'],
    [TOKEN, 400, 'misconfigured', 'unrecognised'],
  ])('says who can mend a refusal: %s (%i)', async (code, status, fate, repeated) => {
    expect(await fault(told(status, errorOf(code)))).toEqual([fate, repeated, status])
  })

  it.each([
    ['garbage', 'no XML'],
    ['nothing', ''],
    ['another document', '<html><body>hello</body></html>'],
    ['no secret', answerOf(CREDENTIALS.replace(/<SecretAccessKey>.*<\/SecretAccessKey>/, ''))],
    [
      'two secrets',
      answerOf(CREDENTIALS.replace('</Credentials>', '<SecretAccessKey>x</SecretAccessKey></Credentials>')),
    ],
    ['no time', answerOf(CREDENTIALS.replace('2026-11-22T13:00:00.123Z', 'soon'))],
    ['entities', `<!DOCTYPE a [<!ENTITY b "c">]>${answerOf(CREDENTIALS)}`],
    ['half a document', answerOf(CREDENTIALS).slice(0, -10)],
  ])('takes %s for a failure', async (_, body) => {
    expect(await fault(told(200, body))).toEqual(['retry', undefined, 200])
  })

  it.each([
    ['timed_out', 'retry'],
    ['too_large', 'retry'],
    ['address_forbidden', 'misconfigured'],
  ] as const)('fails with its connection: %s', async (reason, fate) => {
    const request = () => Promise.reject(new OutboundError(reason, true))
    expect(await fault({ request })).toEqual([fate, undefined, undefined])
  })
})
