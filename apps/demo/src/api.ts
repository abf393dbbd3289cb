import { SignJWT } from 'jose'

/** An answer of Keybearer's API that the caller did not expect. */
export class UnexpectedAnswer extends Error {
  constructor(
    readonly status: number,
    /** The API's error number; `null` when the body is none of its errors. */
    readonly code: number | null,
    message: string,
  ) {
    super(message)
  }
}

export interface ApiCall {
  readonly body?: unknown
  /** Value of the Authorization header. */
  readonly authorization: string
  /** A repeat with the same key meets its own first answer instead of acting twice. */
  readonly idempotencyKey?: string
}

/**
 * Calls Keybearer's API.
 * @returns the parsed body; `undefined` for 204
 * @throws UnexpectedAnswer for every status that is not 2xx
 */
export async function callApi<T>(address: string, method: string, path: string, call: ApiCall): Promise<T> {
  const response = await fetch(`${address}/__api__${path}`, {
    method,
    redirect: 'manual',
    headers: {
      authorization: call.authorization,
      ...(call.body !== undefined && { 'content-type': 'application/json' }),
      ...(call.idempotencyKey && { 'idempotency-key': call.idempotencyKey }),
    },
    body: call.body === undefined ? undefined : JSON.stringify(call.body),
  })
  const text = await response.text()
  if (!response.ok) throw unexpected(`${method} ${path}`, response.status, text)
  return (text === '' ? undefined : JSON.parse(text)) as T
}

function unexpected(call: string, status: number, text: string): UnexpectedAnswer {
  try {
    const { code, error } = JSON.parse(text) as { code: number; error: string }
    return new UnexpectedAnswer(status, code, `${call} answered ${status}, code ${code}: ${error}`)
  } catch {
    return new UnexpectedAnswer(status, null, `${call} answered ${status} without an error of the API`)
  }
}

/**
 * Makes the first administrator and their API key, as `rsconnect bootstrap` does.
 * @param secretKey base64, as in `[Bootstrap] SecretKey`
 */
export async function bootstrap(address: string, secretKey: string): Promise<string> {
  const token = await new SignJWT({ scope: 'bootstrap' })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer('rsconnect-python')
    .setAudience('rsconnect')
    .setIssuedAt()
    .setExpirationTime('15 minutes')
    .sign(Buffer.from(secretKey, 'base64'))
  const { api_key: apiKey } = await callApi<{ api_key: string }>(address, 'POST', '/v1/experimental/bootstrap', {
    authorization: `Connect-Bootstrap ${token}`,
  })
  return apiKey
}

/** The `custom` integration with the vendor, as an administrator's form gives it. */
export function vendorIntegration(name: string, vendorUrl: string, client: { id: string; secret?: string }) {
  return {
    template: 'custom',
    name,
    description: 'The demo’s OAuth vendor',
    config: {
      auth_mode: client.secret === undefined ? 'Public' : 'Confidential',
      auth_type: 'Viewer',
      authorization_uri: `${vendorUrl}/authorize`,
      token_uri: `${vendorUrl}/token`,
      revocation_uri: `${vendorUrl}/revoke`,
      client_id: client.id,
      ...(client.secret !== undefined && {
        client_secret: client.secret,
        token_endpoint_auth_method: 'client_secret_basic',
      }),
      scopes: 'profile offline_access',
      use_pkce: true,
    },
  }
}

/** Polls until `check` gives something. @throws Error after `seconds` */
export async function until<T>(what: string, seconds: number, check: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = performance.now() + seconds * 1000
  for (;;) {
    const found = await check()
    if (found !== undefined && found !== false) return found
    if (performance.now() > deadline) throw new Error(`after ${seconds} s still not so: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
