import { Secret } from '#libs/contracts'
import {
  authorizationRequest,
  Outbound,
  redeemCode,
  refreshTokens,
  requestClientCredentials,
  revokeToken,
  type OutboundAnswer,
  type OutboundRequest,
  type Provider,
} from '#libs/oauth'
import type { Template } from './template.js'

const REDIRECT_URI = 'https://connect.example.org/__oauth__/integrations/callback'
const BETWEEN_CASES = '\n\n====\n\n'
const AFTER_FORM = '\n----\n'

/** Sends nothing and keeps what would have been sent. */
class Recorder extends Outbound {
  readonly requests: OutboundRequest[] = []

  override request(request: OutboundRequest): Promise<OutboundAnswer> {
    this.requests.push(request)
    const headers = new Headers({ 'content-type': 'application/json' })
    return Promise.resolve({ status: 200, headers, body: Buffer.from('{"access_token":"access-token"}') })
  }
}

/**
 * What a vendor hears, byte for byte, from the builders that the vault uses: for each form of a golden file the form, a
 * line, and the requests that result.
 * @param golden the file as it is, of which the forms are taken
 */
export async function goldenOf(template: Template, golden: string): Promise<string> {
  const cases: string[] = []
  for (const before of golden.trim().split(BETWEEN_CASES.trim())) {
    const form = JSON.parse(before.split(AFTER_FORM.trim())[0]!) as Record<string, unknown>
    cases.push(JSON.stringify(form, null, 2) + AFTER_FORM + (await requestsOf(template, form)).join('\n\n'))
  }
  return cases.join(BETWEEN_CASES) + '\n'
}

async function requestsOf(template: Template, form: Record<string, unknown>): Promise<string[]> {
  const { authType, config, clientSecret } = template.parse(form, { loopback: false })
  const { authorizationServer, client, quirks, issues } = template.resolve(config)
  const issued = issues ? [`content gets\n${JSON.stringify(issues, null, 2)}`] : []
  if (!authorizationServer || !client) return issued
  const provider: Provider = {
    authorizationServer,
    client: { ...client, client_secret_reference: null },
    clientSecret,
    quirks,
  }
  const outbound = new Recorder()
  const sent = async (title: string, work: () => Promise<unknown>): Promise<string> => {
    outbound.requests.length = 0
    const answer = await work()
    const requests = outbound.requests.map(shown)
    return `${title}\n${requests.join('\n\n') || (answer === false ? 'none: the vendor has no way to do this' : 'none')}`
  }
  const refreshToken = new Secret('refresh-token')
  const shownRequests =
    authType === 'Service Account'
      ? [await sent('client credentials', () => requestClientCredentials(outbound, provider))]
      : [
          `authorization\n${await authorization(provider)}`,
          await sent('code exchange', () =>
            redeemCode(outbound, provider, {
              code: new Secret('the code'),
              codeVerifier: new Secret('code-verifier'),
              redirectUri: REDIRECT_URI,
            }),
          ),
          await sent('refresh', () => refreshTokens(outbound, provider, refreshToken)),
          await sent('revocation of the refresh token', () =>
            revokeToken(outbound, provider, refreshToken, 'refresh_token'),
          ),
        ]
  const revocation = await sent('revocation of the access token', () =>
    revokeToken(outbound, provider, new Secret('access-token'), 'access_token'),
  )
  await outbound.close()
  return [...shownRequests, revocation, ...issued]
}

/** With names for what chance makes. */
async function authorization({ authorizationServer, client }: Provider): Promise<string> {
  const { url, state } = await authorizationRequest(authorizationServer, client, REDIRECT_URI)
  const challenge = new URL(url).searchParams.get('code_challenge')!
  return `GET ${url.replace(state, '{state}').replace(challenge, '{code_challenge}')}`
}

function shown({ method, url, headers = {}, body }: OutboundRequest): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return [`${method} ${String(url)}`, ...lines, '', String(body)].join('\n')
}
