import { createRemoteJWKSet, decodeJwt, errors, jwtVerify, type JWTPayload } from 'jose'
import type { Asked, Desk, Told, Vendor } from './vendor-server.js'

/** A session that was given, as the account's own log would have it. */
export interface RoleSession {
  readonly role: string
  readonly name: string
  readonly issuer: string
  readonly subject: string
}

const HOUR_MS = 3_600_000
const ROLE = /^arn:aws(?:-cn|-us-gov)?:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/
const SESSION_NAME = /^[\w+=,.@-]{2,64}$/

/**
 * AWS's Security Token Service, as far as ID tokens go: it finds the keys of a token's issuer by discovery, each time,
 * and verifies it.
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
 */
export class SecurityTokenService {
  /** Identity providers of the account: the audiences of each issuer. */
  readonly trusted = new Map<string, readonly string[]>()
  /** The trust policy of its roles. */
  admits: (claims: JWTPayload, role: string) => boolean = () => true
  readonly sessions: RoleSession[] = []
  lifetimeMs = HOUR_MS

  readonly vendor: Vendor = async (asked, desk) => {
    const { form, method, path, headers } = asked
    if (method !== 'POST' || path !== '/' || form.get('Version') !== '2011-06-15') return no(400, 'InvalidAction')
    if (form.get('Action') !== 'AssumeRoleWithWebIdentity') return no(400, 'InvalidAction')
    if (headers.authorization) return no(403, 'IncompleteSignature')
    const [role, name] = [form.get('RoleArn') ?? '', form.get('RoleSessionName') ?? '']
    if (!ROLE.test(role) || !SESSION_NAME.test(name)) return no(400, 'ValidationError')
    const claims = await this.#verify(form.get('WebIdentityToken') ?? '')
    if (typeof claims === 'string') return no(400, claims)
    if (!this.admits(claims, role)) return no(403, 'AccessDenied')
    this.sessions.push({ role, name, issuer: claims.iss!, subject: claims.sub! })
    return this.#yes(asked, desk, claims)
  }

  /** @returns its claims, or the code of a refusal */
  async #verify(token: string): Promise<JWTPayload | string> {
    try {
      const { iss = '' } = decodeJwt(token)
      const audience = this.trusted.get(iss)
      if (!audience) return 'InvalidIdentityToken'
      const jwks = await keysOf(iss)
      if (!jwks) return 'IDPCommunicationError'
      const options = { issuer: iss, audience: [...audience], requiredClaims: ['sub', 'exp', 'iat'] }
      return (await jwtVerify(token, createRemoteJWKSet(jwks), { ...options, algorithms: ['RS256', 'ES256'] })).payload
    } catch (error) {
      return error instanceof errors.JWTExpired ? 'ExpiredTokenException' : 'InvalidIdentityToken'
    }
  }

  #yes({ form }: Asked, desk: Desk, { iss, sub, aud }: JWTPayload): Told {
    const count = desk.next('session').split('-')[1]!.padStart(16, '0')
    const expiration = new Date(Date.now() + this.lifetimeMs).toISOString()
    const role = form.get('RoleArn')!.split(':role/')[1]
    return [
      200,
      `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <SubjectFromWebIdentityToken>${sub}</SubjectFromWebIdentityToken>
    <Audience>${String(aud)}</Audience>
    <AssumedRoleUser>
      <Arn>arn:aws:sts::123456789012:assumed-role/${role}/${form.get('RoleSessionName')}</Arn>
      <AssumedRoleId>AROA00000000000000000:${form.get('RoleSessionName')}</AssumedRoleId>
    </AssumedRoleUser>
    <Credentials>
      <SessionToken>FwoGZXIvYXdzE/canary+session+${count}==</SessionToken>
      <SecretAccessKey>canary/secret+key/${count}</SecretAccessKey>
      <Expiration>${expiration}</Expiration>
      <AccessKeyId>ASIA${count}</AccessKeyId>
    </Credentials>
    <Provider>${iss}</Provider>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>ad4156e9-bce1-11e2-82e6-6b6efEXAMPLE</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>`,
    ]
  }
}

async function keysOf(issuer: string): Promise<URL | undefined> {
  try {
    const answer = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
    const document = (await answer.json()) as { issuer: string; jwks_uri: string; response_types_supported: string[] }
    return document.issuer === issuer && document.response_types_supported ? new URL(document.jwks_uri) : undefined
  } catch {
    return undefined
  }
}

const no = (status: number, code: string): Told => [
  status,
  `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error><Type>Sender</Type><Code>${code}</Code><Message>…</Message></Error>
  <RequestId>ad4156e9-bce1-11e2-82e6-6b6efEXAMPLE</RequestId>
</ErrorResponse>`,
]
