// What `npm run guards` turns off, one at a time. `from` must stand in `file` exactly once; `to` is the same code without
// the guard. `spec`: who should notice, and by which names of tests (default: those with the id).

const OUTBOUND = { file: 'libs/oauth/src/outbound.ts', spec: 'libs/oauth/src/outbound.spec.ts' }
const CALLBACK = { file: 'libs/oauth/src/authorization-code.ts', spec: 'libs/oauth/src/authorization-code.spec.ts' }
const CONSENT = { file: 'apps/vault/src/consent/consent.ts', spec: 'apps/vault/src/consent/consent.int.spec.ts' }
const REQUESTS = { ...CONSENT, file: 'apps/vault/src/consent/consent-requests.ts' }
const DECIDE = { file: 'apps/vault/src/exchange/decide.ts', spec: 'apps/vault/src/exchange/decide.spec.ts', name: '' }
const SUBJECT = {
  file: 'apps/vault/src/exchange/subject-tokens.ts',
  spec: 'apps/vault/src/exchange/exchange.int.spec.ts',
}
const SERVICE = {
  file: 'apps/vault/src/exchange/decide.ts',
  spec: 'apps/vault/src/service-account/service-account-tokens.int.spec.ts',
}
const CREDENTIALS = {
  file: 'apps/vault/src/exchange/exchange.ts',
  spec: 'apps/vault/src/exchange/temporary-credentials.int.spec.ts',
}
const ID_TOKENS = { file: 'libs/oauth/src/id-tokens.ts', spec: 'libs/oauth/src/id-tokens.spec.ts', name: 'is not when' }
const REFRESH = { file: 'apps/vault/src/grant/refresh.ts', spec: 'apps/vault/src/grant/refresh.int.spec.ts' }
const KEYS = { file: 'apps/vault/src/safe/safe-keys.ts', spec: 'apps/vault/src/safe/safe-keys.int.spec.ts' }
const SEAL = { file: 'apps/vault/src/safe/seal.ts', spec: 'apps/vault/src/safe/tampering.int.spec.ts' }

/** @type {{ id: string, guard: string, file: string, from: string, to: string, spec: string, name?: string }[]} */
export const guards = [
  {
    ...{ id: 'B02', guard: 'our parameters stand in the authorization request once', ...CALLBACK },
    ...{
      from: `    url.searchParams.delete(name)\n    if (value !== '') url.searchParams.set`,
      to: `    if (value !== '') url.searchParams.append`,
    },
  },
  {
    ...{ id: 'B03', guard: 'a state is good in the session that began it', ...REQUESTS },
    ...{
      from: ' and sid = ${sid} and user_guid = ${userGuid} and taken_at is null\n',
      to: ' and user_guid = ${userGuid} and taken_at is null and ${sid}::text is not null\n',
    },
  },
  {
    ...{ id: 'B04', guard: 'a state is good for the user who began it', ...REQUESTS },
    ...{
      from: 'and sid = ${sid} and user_guid = ${userGuid} and',
      to: 'and sid = coalesce(nullif(${sid}, ${sid}), sid) and ${userGuid}::text is not null and',
    },
  },
  {
    ...{ id: 'B06', guard: 'a state is taken once', ...REQUESTS },
    ...{ from: ' and taken_at is null\n        returning', to: '\n        returning' },
  },
  {
    ...{ id: 'B07', guard: 'another issuer’s answer is refused', ...CALLBACK, spec: CONSENT.spec },
    ...{
      from: 'callback.iss !== undefined && callback.iss !== issuer',
      to: 'callback.iss !== undefined && issuer.length < 0',
    },
  },
  {
    ...{ id: 'B08', guard: 'an answer arrives on its integration’s own path', ...CONSENT },
    ...{
      from: 'if (at !== (integration.client?.own_callback ? integration.guid : undefined))',
      to: 'if (at === integration.guid + integration.guid)',
    },
  },
  {
    ...{ id: 'B09', guard: 'an issuer that is promised must be there', ...CALLBACK },
    ...{
      from: 'if (issPromised && callback.iss === undefined)',
      to: 'if (issPromised && callback.iss === issuer + "x")',
    },
  },
  {
    ...{ id: 'B10', guard: 'an integration that changed meanwhile gets no code', ...CONSENT },
    ...{ from: 'if (!found || found.version !== request.integrationVersion)', to: 'if (!found)' },
  },
  {
    ...{ id: 'B15', guard: 'another account does not silently take the place of the former one', ...CONSENT },
    ...{ from: 'former.reveal() !== subject.reveal()', to: 'former.reveal() === ""' },
  },
  {
    ...{ id: 'B15', guard: 'whose grant it is is not taken for unknown while the keys are away', ...CONSENT },
    ...{ from: 'if (isTampered(error)) return true\n      throw error', to: 'return error === undefined' },
  },
  {
    ...{ id: 'B18', guard: 'a session has ten requests at most', ...REQUESTS },
    ...{ from: 'const MOST_PER_SESSION = 10', to: 'const MOST_PER_SESSION = 10_000' },
  },
  {
    ...{ id: 'C02', guard: 'a personal key is the content owner’s', ...DECIDE },
    ...{ from: 'if (person !== content.owner_guid) return refuse(notTheOwner())', to: '' },
  },
  {
    ...{ id: 'C01', guard: 'a content’s key is for that content', ...DECIDE },
    ...{ from: 'if (caller.content !== content.guid) return refuse(notTheOwner())', to: '' },
  },
  {
    ...{ id: 'C02', guard: 'a server may want bound keys only', ...DECIDE },
    ...{ from: 'if (policy.requireContentKeys)', to: 'if (false)' },
  },
  {
    ...{ id: 'C07', guard: 'the viewer’s session is alive', ...DECIDE },
    ...{
      from: 'if (new Date(session.expires_at) <= facts.now)',
      to: 'if (new Date(session.expires_at) <= new Date(0))',
    },
  },
  {
    ...{ id: 'C03', guard: 'the viewer may see the content', ...DECIDE },
    ...{ from: 'if (mayView(content, {', to: 'if (true || mayView(content, {' },
  },
  {
    ...{ id: 'C19', guard: 'the integration is associated with the content', ...DECIDE },
    ...{ from: 'if (associations.length === 0) return refuse(noAssociation(), ofContent)', to: '' },
  },
  {
    ...{ id: 'C12', guard: 'an audience is one of the associated', ...DECIDE },
    ...{
      from: '!request.audience || oauth_integration_guid === request.audience',
      to: 'true || oauth_integration_guid',
    },
  },
  {
    ...{ id: 'C10', guard: 'viewers have no service account’s token, and content has no viewer’s', ...DECIDE },
    ...{ from: `(integration.auth_type === 'Service Account') !== (subject.type === 'content')`, to: 'false' },
  },
  {
    ...{ id: 'C25', guard: 'an authorization that has ended gives nothing', ...DECIDE },
    ...{ from: `if (!grant || grant.status === 'revoked')`, to: 'if (!grant)' },
  },
  {
    ...{ id: 'C09', guard: 'only user session tokens are taken', ...SUBJECT },
    ...{ from: '      typ,\n', to: '' },
  },
  {
    ...{ id: 'C09', guard: 'only this server’s tokens are taken', ...SUBJECT },
    ...{ from: '      issuer,\n', to: '' },
  },
  {
    ...{ id: 'C06', guard: 'a session token is verified and not only read', ...SUBJECT, spec: SERVICE.spec },
    ...{
      from: '  const { payload } = await jwtVerify(',
      to: `  if (token) return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())\n  const { payload } = await jwtVerify(`,
    },
  },
  {
    ...{ id: 'C11', guard: 'only content session tokens are taken for content', ...SUBJECT, spec: SERVICE.spec },
    ...{ from: 'issuer, TOKEN_TYP.contentSession, []', to: `issuer, '', []` },
  },
  {
    ...{ id: 'C11', guard: 'only this server’s tokens are taken for content', ...SUBJECT, spec: SERVICE.spec },
    ...{ from: 'issuer, TOKEN_TYP.contentSession, []', to: 'undefined as never, TOKEN_TYP.contentSession, []' },
  },
  {
    ...{ id: 'C11', guard: 'a token for another service is not taken', ...SUBJECT, spec: SERVICE.spec },
    ...{
      from: `      audience: 'vault',
      requiredClaims: ['exp', 'iat', 'sub', ...claims],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
    },
  )
  if (payload.aud !== 'vault') throw new Error('the token is for others too')
`,
      to: '    },\n  )\n',
    },
  },
  {
    ...{ id: 'INT-20', guard: 'a token that was got with former settings is not handed out', ...SERVICE },
    ...{
      from: 'isUsable(serviceToken, fingerprintOf(integration), now)',
      to: 'isUsable(serviceToken, serviceToken.fingerprint, now)',
    },
  },
  {
    ...{ id: 'E17', guard: 'a secret opens in its own place only', ...SEAL },
    ...{ from: `String(FORMAT), ...place, String(generation)]`, to: `String(FORMAT), String(generation)]` },
  },
  {
    ...{ id: 'E17', guard: 'a secret opens in its own generation only', ...SEAL },
    ...{ from: `String(FORMAT), ...place, String(generation)]`, to: `String(FORMAT), ...place]` },
  },
  {
    ...{ id: 'E17', guard: 'the tag is verified', ...SEAL },
    ...{ from: '    decipher.final()\n', to: '' },
  },
  {
    ...{
      id: 'E18',
      guard: 'every seal has nonces of its own',
      ...SEAL,
      spec: 'apps/vault/src/safe/seal.spec.ts',
    },
    ...{ from: 'const nonce = randomBytes(NONCE)', to: 'const nonce = Buffer.alloc(NONCE)' },
  },
  {
    ...{
      id: 'R16',
      guard: 'nothing is sealed with a key that is retired',
      ...KEYS,
      file: 'apps/vault/src/safe/safe.ts',
    },
    ...{
      from: 'select from safe_key where version = ${keyVersionOf(envelope)} and retired_at is not null',
      to: 'select from safe_key where version < ${keyVersionOf(envelope)} and version < 0',
    },
  },
  {
    ...{ id: 'AWS', guard: 'an ID token is for our client', ...ID_TOKENS },
    ...{ from: '        audience: clientId,\n', to: '' },
  },
  {
    ...{ id: 'AWS', guard: 'an ID token with several audiences was made for us', ...ID_TOKENS },
    ...{ from: `throw new IdTokenError('invalid', 'azp')`, to: `void azp` },
  },
  {
    ...{ id: 'AWS', guard: 'an ID token is of who has consented', ...CREDENTIALS, name: 'never of somebody else' },
    ...{
      file: 'apps/vault/src/grant/grant-id-tokens.ts',
      from: 'former?.subject !== undefined && subject !== former.subject',
      to: `former?.subject === '' && subject !== former.subject`,
    },
  },
  {
    ...{ id: 'AWS', guard: 'it is decided again when the credentials are here', ...CREDENTIALS, name: 'VAULT-06' },
    ...{
      from: `    const { decision, facts } = await this.#decide(question)\n    if (decision.verdict === 'refuse') throw decision.error\n    // Somebody`,
      to: `    const { facts } = await this.#decide(question)\n    const decision: Decision = trade\n    // Somebody`,
    },
  },
  {
    ...{ id: 'AWS', guard: 'what is to be traded is not given out itself', ...DECIDE },
    ...{
      from: '  if (integration.issues?.type === REQUESTED_TOKEN_TYPE.temporaryCredentials)\n    return ofIdToken',
      to: '  if (integration.issues?.type === REQUESTED_TOKEN_TYPE.apiKey)\n    return ofIdToken',
    },
  },
  {
    ...{ id: 'R16', guard: 'a key that a secret needs is not retired', ...KEYS },
    ...{ from: 'if (secrets > 0) {', to: 'if (secrets < 0) {' },
  },
  {
    ...{ id: 'R16', guard: 'a key of KMS is held for its lifetime and no longer', ...KEYS, name: 'and no longer' },
    ...{ from: 'if (held.until > performance.now()) return held.key', to: 'if (held) return held.key' },
  },
  {
    ...{ id: 'I04', guard: 'another key does not take a known one’s number', ...KEYS },
    ...{ from: '!known.check_value.equals(value)', to: 'known.check_value.length === 0' },
  },
  {
    ...{ id: 'R16', guard: 'a key unwraps for its purpose and version only', file: 'apps/vault/src/safe/aws-kms.ts' },
    ...{
      spec: 'apps/vault/src/safe/key-services.int.spec.ts',
      name: 'aws-kms are good for one purpose',
      from: 'CiphertextBlob, EncryptionContext: { ...context } }',
      to: `CiphertextBlob, EncryptionContext: { ...context, version: '2' } }`,
    },
  },
  {
    ...{ id: 'E06', guard: 'a secret prints as [secret]', file: 'libs/contracts/src/secret.ts' },
    ...{ spec: 'libs/service/src/log/log.spec.ts', name: 'secret' },
    ...{ from: `  toJSON(): string {\n    return '[secret]'`, to: `  toJSON(): string {\n    return this.#text` },
  },
  {
    ...{ id: 'F01', guard: 'https only', ...OUTBOUND },
    ...{
      from: `if (protocol !== 'https:' && !(protocol === 'http:' && this.#options.loopback))`,
      to: `if (protocol !== 'https:' && protocol !== 'http:')`,
    },
  },
  {
    ...{ id: 'F04', guard: 'an address that is written out is global', ...OUTBOUND },
    ...{
      from: 'if (address !== undefined && !mayBeProvider(parsed, address, this.#options))',
      to: 'if (address === "" && !mayBeProvider(parsed, address, this.#options))',
    },
  },
  {
    ...{ id: 'F04', guard: 'an endpoint at an internal address is not even saved' },
    ...{ file: 'apps/integrations/src/template/fields.ts', spec: 'apps/integrations/src/template/addresses.spec.ts' },
    ...{ from: 'return address === undefined || mayBeProvider(', to: 'return address !== "" || mayBeProvider(' },
  },
  {
    ...{ id: 'F03', guard: 'addresses inside addresses are looked at', file: 'libs/contracts/src/address.ts' },
    ...{
      spec: 'libs/oauth/src/outbound.spec.ts',
      from: 'if (outer.match(NAT64)) return',
      to: 'if (outer.match(NAT64)) return new ipaddr.IPv4([8, 8, 8, 8])\n  if (outer.match(NAT64)) return',
    },
  },
  {
    ...{ id: 'F05', guard: 'every address of a name is permitted', ...OUTBOUND },
    ...{ from: 'if (!first || !addresses.every((', to: 'if (!first || !addresses.some((' },
  },
  {
    ...{ id: 'F06', guard: 'the address is checked as the connection is made', ...OUTBOUND },
    ...{
      from: '      lookup: this.#lookup(target),\n',
      to: '      lookup: (_name, options, done) =>\n        this.#options.resolve!(_name, (error, all) => (options.all ? done(error, all) : done(error, all[0]!.address, 4))),\n',
    },
  },
  {
    ...{ id: 'F07', guard: 'no redirect is an answer', ...OUTBOUND },
    ...{ from: `if (status >= 300 && status < 400) return this.#fail('redirected')`, to: '' },
  },
  {
    ...{ id: 'F08', guard: 'no credentials in a URL', ...OUTBOUND },
    ...{ from: 'if (username || password || hash ||', to: 'if (hash ||' },
  },
  {
    ...{ id: 'F09', guard: 'ports', ...OUTBOUND, file: 'libs/contracts/src/address.ts' },
    ...{
      from: '(number === 443 || ports.includes(number)) && isGlobal',
      to: 'number > 0 && isGlobal',
    },
  },
  {
    ...{ id: 'F10', guard: 'a URL has a length', ...OUTBOUND },
    ...{ from: 'text.length > MAX_URL || ', to: '' },
  },
  {
    ...{
      id: 'F11',
      guard: 'no segment of a path leads elsewhere',
      file: 'apps/integrations/src/template/endpoint-at.ts',
    },
    ...{
      spec: 'apps/integrations/src/template/addresses.spec.ts',
      from: 'if (path.some((segment) => /^\\.{0,2}$/.test(segment)))',
      to: 'if (path.length > 99)',
    },
  },
  {
    ...{ id: 'F12', guard: 'certificates are verified, whatever the environment says', ...OUTBOUND },
    ...{ from: 'rejectUnauthorized: true', to: 'rejectUnauthorized: false' },
  },
  {
    ...{ id: 'F12', guard: 'TLS 1.2 or newer', ...OUTBOUND },
    ...{ from: `minVersion: 'TLSv1.2',`, to: `minVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0',` },
  },
  {
    ...{ id: 'F13', guard: 'an answer has a size', ...OUTBOUND },
    ...{ from: `    if (this.#size > MAX_BODY) return this.#fail('too_large')\n`, to: '' },
  },
  {
    ...{ id: 'F13', guard: 'an answer has a deadline', ...OUTBOUND },
    ...{
      from: `setTimeout(() => setImmediate(() => this.#fail('timed_out')), milliseconds)`,
      to: `setTimeout(() => this.#fail('timed_out'), milliseconds * 1000).unref()`,
    },
  },
  {
    ...{ id: 'F13', guard: 'an answer is not unpacked', ...OUTBOUND },
    ...{ from: `if (encoding && encoding.toLowerCase() !== 'identity')`, to: `if (encoding === 'x')` },
  },
  {
    ...{ id: 'F14', guard: 'our own origin is nobody’s', ...OUTBOUND },
    ...{ from: `    if (this.#options.ownOrigins?.includes(origin)) throw forbidden('url_forbidden')\n`, to: '' },
  },
  {
    ...{
      id: 'F20',
      guard: 'nobody else opens connections',
      file: 'apps/vault/src/service-account/service-accounts.ts',
    },
    ...{
      spec: 'libs/testing/src/outbound-calls.spec.ts',
      from: `import { Injectable, Logger`,
      to: `import { request } from 'undici'\nimport { Injectable, Logger`,
    },
  },
  {
    ...{ id: 'R10', guard: 'a provider that fails is left in peace', file: 'apps/vault/src/provider/circuit.ts' },
    ...{
      spec: 'apps/vault/src/grant/sickness.int.spec.ts',
      from: 'if (opened && known.failures < OPENS_AFTER && !retryAfterSeconds) return false',
      to: 'if (opened) return false',
    },
  },
  {
    ...{ id: 'R10', guard: 'leave that was not used is given back', file: 'apps/vault/src/provider/provider-calls.ts' },
    ...{ spec: 'apps/vault/src/provider/provider-calls.spec.ts', from: 'admission.release()', to: '' },
  },
  {
    ...{ id: 'R10', guard: 'places are given back', file: 'apps/vault/src/provider/provider-calls.ts' },
    ...{ spec: 'apps/vault/src/provider/provider-calls.spec.ts', from: '      leave()\n', to: '' },
  },
  {
    ...{
      id: 'R10',
      guard: 'revocations are counted by themselves',
      file: 'apps/vault/src/revocation/revocations.ts',
    },
    ...{
      spec: 'apps/vault/src/revocation/revocations.int.spec.ts',
      from: 'url: authorization_server.revocation_endpoint }',
      to: 'url: authorization_server.token_endpoint }',
    },
  },
  {
    ...{
      id: 'R10',
      guard: 'one token at a time for each provider',
      file: 'apps/vault/src/revocation/revocations.ts',
    },
    ...{
      spec: 'apps/vault/src/revocation/revocations.int.spec.ts',
      from: 'if (due) this.#busy.add(due.data.integration_guid)',
      to: '',
    },
  },
  {
    ...{
      id: 'SVC-06',
      guard: 'a former token is shown to no other provider',
      file: 'apps/vault/src/service-account/service-account-tokens.ts',
    },
    ...{
      spec: 'apps/vault/src/revocation/revocations.int.spec.ts',
      from: '(!after || isSameClient(before, after))',
      to: 'true',
    },
  },
  {
    ...{ id: 'R11', guard: 'a token’s end is told by the database’s clock', file: 'apps/vault/src/grant/refresh.ts' },
    ...{
      spec: 'apps/vault/src/grant/skew.int.spec.ts',
      from: 'new Date(now.getTime() + expiresIn * 1000)',
      to: 'new Date(Date.now() + expiresIn * 1000)',
    },
  },
  {
    ...{ id: 'R11', guard: 'a process whose clock is wrong is not ready', file: 'libs/event-sourcing/src/database.ts' },
    ...{
      spec: 'apps/vault/src/grant/skew.int.spec.ts',
      from: 'if (apart > MOST_APART_MS)',
      to: 'if (apart > MOST_APART_MS * 1e6)',
    },
  },
  {
    ...{ id: 'R07', guard: 'that nothing was missing is soon forgotten', file: 'apps/gateway/src/proxy/consents.ts' },
    ...{
      spec: 'apps/gateway/src/proxy/consents.spec.ts',
      from: 'const REMEMBERED_MS = 2_000',
      to: 'const REMEMBERED_MS = 300_000',
    },
  },
  {
    ...{ id: 'F19', guard: 'verifications that fail are not for the asking' },
    ...{
      file: 'apps/integrations/src/integration/verification.ts',
      spec: 'apps/integrations/src/integration/integration.controller.int.spec.ts',
      from: "this.#failures.mustHaveLeft(person, 'Too many verifications have failed. Try again later.')",
      to: '',
    },
  },
  {
    ...{ id: 'E22', guard: 'a fingerprint rests on a key that nobody keeps' },
    ...{
      file: 'libs/service/src/decorators/command.ts',
      spec: 'libs/service/src/decorators/command.spec.ts',
      from: '    .update(`${key.length} ${key}`)\n',
      to: '',
    },
  },
  {
    ...{ id: 'E14', guard: 'a token that another provider gave is no token of this one', ...DECIDE, name: 'E14' },
    ...{
      from: `if (grant.client !== clientFingerprint(integration))`,
      to: `if (grant.client === undefined)`,
    },
  },
  {
    ...{ id: 'E14', guard: 'no refresh token goes to another provider than gave it' },
    ...{ file: 'apps/vault/src/grant/refresh.ts', spec: 'apps/vault/src/revocation/revocations.int.spec.ts' },
    ...{ from: `row.client !== clientFingerprint(integration)`, to: `clientFingerprint(integration) === ''` },
  },
  {
    ...{ id: 'E14', guard: 'only whoever gave a token hears of its end' },
    ...{
      file: 'apps/vault/src/provider/client-fingerprint.ts',
      spec: 'apps/vault/src/revocation/revocations.int.spec.ts',
    },
    ...{
      from: `states.find((state) => state && clientFingerprint(state) === fingerprint)`,
      to: `states.find((state) => state && fingerprint !== '')`,
    },
  },
  {
    ...{
      id: 'R02',
      guard: 'new tokens are given up only when their grant has moved on',
      ...REFRESH,
      name: 'retired under',
    },
    ...{ from: `error.code === 'grant.superseded'`, to: `error.code !== ''` },
  },
  {
    ...{ id: 'R02', guard: 'nothing is refreshed that could not be stored', ...REFRESH, name: 'is not begun while' },
    ...{ from: '!(await this.#canSeal(guid))', to: 'false' },
  },
  {
    ...{
      id: 'R02',
      guard: 'a late token of a living consent is not revoked',
      ...REFRESH,
      name: 'successor of the same',
    },
    ...{ from: 'row.obtainedAt.getTime() === begun.obtainedAt.getTime()', to: 'false' },
  },
  {
    ...{ id: 'R02', guard: 'a token that never opens is mended', ...REFRESH, name: 'E17' },
    ...{ from: 'if (isTampered(error)) return undefined', to: '' },
  },
  {
    ...{ id: 'R02', guard: 'keys of an issuer are fetched before a refresh', file: REFRESH.file },
    ...{ spec: CREDENTIALS.spec, from: 'await this.idTokens.prepare(integration)', to: '' },
  },
  {
    ...{ id: 'R02', guard: 'who refuses us is asked ever more seldom', file: REFRESH.file, name: 'ever more seldom' },
    ...{
      spec: 'apps/vault/src/grant/sickness.int.spec.ts',
      from: `fate !== 'misconfigured' || settings === null`,
      to: 'true',
    },
  },
  {
    ...{
      id: 'R02',
      guard: 'a 5xx is in doubt whatever its JSON says',
      file: 'libs/oauth/src/token-endpoint.ts',
      name: 'proxy',
    },
    ...{
      spec: 'libs/oauth/src/token-endpoint.spec.ts',
      from: '(status < 500 ? error !== undefined',
      to: '(true ? error !== undefined',
    },
  },
  {
    ...{ id: 'KEY', guard: 'a key that is gone makes no keys', name: 'makes none once it has' },
    ...{
      file: 'apps/identity/src/api-key/api-key.queries.ts',
      spec: 'apps/identity/src/api-key/api-key.controller.int.spec.ts',
    },
    ...{
      from: `if (!key) throw authenticationFailed()`,
      to: `if (!key) return { role: 'administrator', expiresAt: null }`,
    },
  },
  {
    ...{ id: 'KEY', guard: 'a key of a visit touches nothing of the account', name: 'reads what its visitor may read' },
    ...{
      file: 'apps/identity/src/user/full-power.ts',
      spec: 'apps/identity/src/content-session/content-session.int.spec.ts',
    },
    ...{ from: `actor.visit !== undefined`, to: `actor.visit === ''` },
  },
]
