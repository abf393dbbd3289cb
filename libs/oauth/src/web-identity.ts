import { Secret } from '#libs/contracts'
import { TokenEndpointError } from './errors.js'
import { OutboundError, type Outbound, type OutboundAnswer } from './outbound.js'
import { retryAfterOf, type CallOptions } from './token-endpoint.js'

/** Where ID tokens are traded for credentials, and what is posted there beside the token. */
export interface TokenService {
  readonly endpoint: string
  readonly parameters: Readonly<Record<string, string>>
}

/** Keys of a role that end by themselves. */
export interface TemporaryCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: Secret
  readonly sessionToken: Secret
  readonly expiration: Date
}

const BUSY = /throttl|^RequestLimitExceeded|^SlowDown|^TooManyRequests/i

/**
 * Trades an ID token for temporary credentials. The request is not signed: the token is the proof.
 * @param sessionName 2 to 64 characters of `[\w+=,.@-]`; stands in the log of whoever the credentials are shown to
 * @throws TokenEndpointError with the fate `misconfigured` when the token or the role is refused, `error` being the
 * service's code; `retry` when the service fails or cannot be understood
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
 */
export async function assumeRoleWithWebIdentity(
  outbound: Pick<Outbound, 'request'>,
  { endpoint, parameters }: TokenService,
  idToken: Secret,
  sessionName: string,
  options: CallOptions = {},
): Promise<TemporaryCredentials> {
  const form = { ...parameters, RoleSessionName: sessionName, WebIdentityToken: idToken.reveal() }
  let answer: OutboundAnswer
  try {
    answer = await outbound.request({
      ...options,
      url: endpoint,
      method: 'POST',
      headers: { accept: 'text/xml', 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    })
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    const { reason, sent } = error
    const forbidden = reason === 'url_forbidden' || reason === 'address_forbidden'
    throw new TokenEndpointError({ fate: forbidden ? 'misconfigured' : 'retry', reason, sent, inDoubt: false })
  }
  const { status } = answer
  const told = await membersOf(answer)
  if (status === 200) {
    const credentials = credentialsOf(told)
    if (credentials) return credentials
  }
  const code = codeOf(told, idToken)
  const busy = code !== undefined && BUSY.test(code)
  const refused = code !== undefined && status >= 400 && status < 500 && status !== 429 && !busy
  const wait = refused ? undefined : retryAfterOf(answer.headers)
  throw new TokenEndpointError({
    fate: refused ? 'misconfigured' : 'retry',
    reason: code === undefined ? 'unintelligible' : 'refused',
    status,
    sent: true,
    inDoubt: false,
    ...(code !== undefined && { error: code }),
    ...(wait !== undefined && { retryAfterSeconds: wait }),
    ...(busy && { busy }),
  })
}

type Members = Readonly<Record<string, unknown>>

/** `undefined` when it is no XML. */
async function membersOf({ body }: OutboundAnswer): Promise<Members | undefined> {
  // Only where there are such integrations is the parser in memory.
  const { XMLParser } = await import('fast-xml-parser')
  // Nothing of an answer needs an entity; one that declares its own is refused.
  const parser = new XMLParser({ parseTagValue: false, processEntities: false, removeNSPrefix: true })
  try {
    const text = body.toString('utf8')
    return /<!DOCTYPE/i.test(text) ? undefined : (parser.parse(text, true) as Members)
  } catch {
    return undefined
  }
}

function credentialsOf(told: Members | undefined): TemporaryCredentials | undefined {
  const found = at(told, 'AssumeRoleWithWebIdentityResponse', 'AssumeRoleWithWebIdentityResult', 'Credentials')
  const [id, secret, session, expiration] = ['AccessKeyId', 'SecretAccessKey', 'SessionToken', 'Expiration'].map(
    (name) => at(found, name),
  )
  if (!isLine(id) || !isLine(secret) || !isLine(session) || typeof expiration !== 'string') return undefined
  const end = new Date(expiration)
  if (Number.isNaN(end.getTime())) return undefined
  return {
    accessKeyId: id,
    secretAccessKey: new Secret(secret),
    sessionToken: new Secret(session),
    expiration: end,
  }
}

/** An error code that may stand in a log and in an answer: a word, and nothing of what was sent. */
function codeOf(told: Members | undefined, idToken: Secret): string | undefined {
  const code = at(told, 'ErrorResponse', 'Error', 'Code')
  if (typeof code !== 'string' || code === '') return undefined
  return /^[A-Za-z]{1,64}$/.test(code) && !idToken.reveal().includes(code) ? code : 'unrecognised'
}

function at(members: unknown, ...names: readonly string[]): unknown {
  let found = members
  for (const name of names) {
    if (typeof found !== 'object' || found === null) return undefined
    found = (found as Members)[name]
  }
  return found
}

const isLine = (value: unknown): value is string => typeof value === 'string' && /^[\x21-\x7e]{1,16384}$/.test(value)
