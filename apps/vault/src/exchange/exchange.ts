import { Injectable } from '@nestjs/common'
import {
  contentContract,
  DomainError,
  groupContract,
  integrationContract,
  REQUESTED_TOKEN_TYPE,
  userContract,
  type ChangeContract,
  type IntegrationState,
  type IssuedTokenType,
  type Secret,
} from '#libs/contracts'
import { Replicas } from '#libs/messaging'
import { currentRequest, ExchangeSettings } from '#libs/service'
import { tokenPlace } from '../grant/grant.stream.js'
import { Refreshes } from '../grant/refresh.js'
import { isTampered, Safe, type Place } from '../safe/index.js'
import { fingerprintOf, servicePlace } from '../service-account/service-token.js'
import { ServiceAccountTokens, type ServiceTokenOutcome } from '../service-account/service-account-tokens.js'
import { ContentIdTokens } from './content-id-tokens.js'
import {
  decide,
  keyOwner,
  readRequest,
  type KeyActor,
  type Decision,
  type Doubt,
  type ExchangeRequest,
  type Subject,
} from './decide.js'
import { FactQueries, type LookedUp } from './facts.js'
import { IssueLog } from './issue-log.js'
import { PolicyOfSettings } from './policy.js'
import { misconfigured, providerUnavailable } from './refusals.js'
import { SubjectTokens } from './subject-tokens.js'
import { TemporaryCredentials } from './temporary-credentials.js'
import { VisitorKeys } from './visitor-keys.js'

const CONTRACTS: Readonly<Record<Doubt['kind'], ChangeContract<unknown>>> = {
  content: contentContract,
  user: userContract,
  group: groupContract,
  integration: integrationContract,
}

/** A token on its way out. */
export interface Issued {
  readonly accessToken: Secret
  readonly type: IssuedTokenType
  /** Whole seconds; `undefined` when the provider did not say. */
  readonly expiresIn: number | undefined
  /** As granted, space-separated; absent when the provider did not say. */
  readonly scope?: string
}

interface Question {
  readonly request: ExchangeRequest
  readonly caller: KeyActor
  readonly subject: Subject
}

type Decided = LookedUp & { readonly decision: Decision }
type Trade = Extract<Decision, { verdict: 'trade' }>

/** Which token, for whom, right now: decides, refreshes if need be, opens the safe, writes the audit row, answers. */
@Injectable()
export class Exchange {
  constructor(
    private readonly subjects: SubjectTokens,
    private readonly facts: FactQueries,
    private readonly replicas: Replicas,
    private readonly refreshes: Refreshes,
    private readonly serviceAccountTokens: ServiceAccountTokens,
    private readonly visitorKeys: VisitorKeys,
    private readonly contentIdTokens: ContentIdTokens,
    private readonly temporaryCredentials: TemporaryCredentials,
    private readonly safe: Safe,
    private readonly issues: IssueLog,
    private readonly settings: ExchangeSettings,
    private readonly policy: PolicyOfSettings,
  ) {}

  /** @throws DomainError one of the refusals of `decide.ts`, or kind `unavailable` */
  async exchange(form: Readonly<Record<string, string>>, caller: KeyActor): Promise<Issued> {
    try {
      const request = readRequest(form, caller)
      const subject = await this.subjects.verify(request.subjectType, request.subjectToken)
      const question = { request, caller, subject }
      const decided = await this.#decide(question)
      if (decided.decision.verdict === 'obtain_service')
        return await this.#obtained(question, decided.decision.integration)
      return await this.#issue(question, await this.#refreshed(question, decided))
    } catch (error) {
      throw inOAuthWords(error)
    }
  }

  /**
   * The decision over facts that may be relied on. A copy that is not fresh is asked for at its owner, and so is once
   * what a refusal misses here.
   */
  async #decide({ request, caller, subject }: Question): Promise<Decided> {
    const confirmed = new Set<string>()
    for (;;) {
      const visitor = subject.type === 'viewer' ? subject.userGuid : undefined
      const found = await this.facts.lookUp(subject.content, visitor, keyOwner(caller), request.audience)
      const decision = decide(request, caller, subject, found.facts, this.policy)
      const doubts = [
        ...found.documents.filter(({ kind, guid }) => !this.replicas.of(CONTRACTS[kind]).isTrusted(guid)),
        ...(decision.verdict === 'refuse' ? decision.doubts : []),
      ].filter(({ kind, guid }) => !confirmed.has(`${kind} ${guid}`))
      if (doubts.length === 0) return { ...found, decision }
      for (const { kind, guid } of doubts) confirmed.add(`${kind} ${guid}`)
      await Promise.all(doubts.map(({ kind, guid }) => this.replicas.of(CONTRACTS[kind]).confirm(guid)))
    }
  }

  /** Decides again after each refresh, since time has passed: whoever may not have the token any more does not get it. */
  async #refreshed(question: Question, decided: Decided): Promise<Decided> {
    const giveUpAt = performance.now() + this.settings.refreshWaitMs
    let current = decided
    while (current.decision.verdict === 'refresh') {
      const { grant, integration } = current.decision
      const outcome = await this.refreshes.refresh(grant, integration, giveUpAt - performance.now())
      current = await this.#decide(question)
      if (current.decision.verdict !== 'refresh') break
      // Tokens that live for seconds only, or an old one that outlives a failure.
      if (current.decision.oldIsValid && outcome.kind !== 'moved_on') break
      if (outcome.kind === 'failed') {
        throw outcome.fate === 'misconfigured' ? misconfigured(outcome.error) : providerUnavailable()
      }
      if (outcome.kind !== 'moved_on' || performance.now() >= giveUpAt) throw providerUnavailable()
    }
    return current
  }

  /** As after a refresh: whoever may not have the new token any more, by now, does not get it. */
  async #obtained(question: Question, integration: IntegrationState): Promise<Issued> {
    const outcome = await this.serviceAccountTokens.obtain(integration)
    const decided = await this.#decide(question)
    if (decided.decision.verdict !== 'obtain_service' && decided.decision.verdict !== 'issue_service')
      return await this.#issue(question, decided)
    // Somebody has changed the integration meanwhile: the token is of what it was.
    if (fingerprintOf(decided.decision.integration) !== fingerprintOf(integration)) throw providerUnavailable()
    if (outcome.kind !== 'token') throw notObtained(outcome)
    return await this.#issueOfService(question, integration, outcome, decided.facts.now)
  }

  /** As after a refresh: whoever may not have the credentials any more, by now, does not get them. */
  async #traded(question: Question, trade: Trade, envelope: Buffer | null, isReplaced: boolean): Promise<Issued> {
    const { caller, subject } = question
    const { integration, grant } = trade
    const idToken = grant
      ? await this.#opened(envelope, tokenPlace(grant.guid, 'id_token'), grant.generation)
      : await this.#idTokenOfContent(subject, integration)
    if (!idToken) {
      if (!grant || isReplaced) throw new Error(`grant ${grant?.guid} has no ID token in the safe`)
      return await this.#replaced(question, { grant, integration })
    }
    const sessionName = subject.type === 'viewer' ? `viewer-${subject.userGuid}` : `content-${subject.content}`
    const { text, expiresAt } = await this.temporaryCredentials.obtain(integration, idToken, sessionName)
    const { decision, facts } = await this.#decide(question)
    if (decision.verdict === 'refuse') throw decision.error
    // Somebody has changed the integration, or the grant has new tokens, perhaps of another account.
    const goesOn = decision.verdict === 'trade' || decision.verdict === 'refresh'
    if (!goesOn || isAnother(decision, trade)) throw providerUnavailable()
    const data = {
      userGuid: subject.type === 'viewer' ? subject.userGuid : keyOwner(caller),
      contentGuid: subject.content,
      integrationGuid: integration.guid,
      grantGuid: grant?.guid ?? null,
      sessionName,
      expiresAt: expiresAt.toISOString(),
    }
    await this.issues.record({ type: 'CredentialsIssued', data }, caller, currentRequest()?.correlationId)
    const { temporaryCredentials: type } = REQUESTED_TOKEN_TYPE
    return { type, accessToken: text, expiresIn: secondsLeft({ expiresAt }, facts.now) }
  }

  async #idTokenOfContent({ content }: Subject, { issues }: IntegrationState): Promise<Secret> {
    const { audience } = issues ?? {}
    if (audience === undefined) throw misconfigured(null)
    return await this.contentIdTokens.sign(content, audience)
  }

  /** @returns `undefined` for what is not there (a rotation may have deleted what was damaged) or will never open */
  async #opened(envelope: Buffer | null, place: Place, generation: number): Promise<Secret | undefined> {
    if (!envelope) return undefined
    return await this.safe.openEnvelope(envelope, place, generation).catch(unlessTampered)
  }

  /** What will never open is replaced by a refresh, which finds out, if need be, that only the viewer can mend it. */
  async #replaced(
    question: Question,
    { grant, integration }: Pick<Extract<Decision, { verdict: 'issue' | 'refresh' }>, 'grant' | 'integration'>,
  ): Promise<Issued> {
    const outcome = await this.refreshes.refresh(grant, integration)
    if (outcome.kind === 'failed' && outcome.fate === 'misconfigured') throw misconfigured(outcome.error)
    if (outcome.kind === 'failed' || outcome.kind === 'waited_in_vain') throw providerUnavailable()
    return await this.#issue(question, await this.#decide(question), true)
  }

  async #issue(question: Question, decided: Decided, isReplaced = false): Promise<Issued> {
    const { decision, facts, accessToken, idToken } = decided
    switch (decision.verdict) {
      case 'refuse':
        throw decision.error
      case 'trade':
        return await this.#traded(question, decision, idToken, isReplaced)
      case 'obtain_service':
        throw new Error('a token that is to be obtained first was to be issued')
      case 'visitor_key':
        return await this.#issueVisitorKey(question, decision)
      case 'issue_service': {
        const { integration, token } = decision
        const opened = await this.#opened(accessToken, servicePlace(integration.guid), token.generation)
        // The provider gives another.
        if (!opened) return await this.#obtained(question, integration)
        return await this.#issueOfService(question, integration, { ...token, accessToken: opened }, facts.now)
      }
      case 'issue':
        this.refreshes.renewEarly(decision.grant, decision.integration, facts.now)
        break
      case 'refresh':
        // Tokens that live for seconds only, or an old one that outlives a failure.
        if (!decision.oldIsValid) throw providerUnavailable()
    }
    const { viewer, grant, integration } = decision
    const opened = await this.#opened(accessToken, tokenPlace(grant.guid, 'access_token'), grant.generation)
    if (!opened) {
      if (isReplaced) throw new Error(`grant ${grant.guid} has no access token in the safe`)
      return await this.#replaced(question, decision)
    }
    const data = {
      userGuid: viewer.userGuid,
      contentGuid: viewer.content,
      integrationGuid: integration.guid,
      grantGuid: grant.guid,
      generation: grant.generation,
      expiresAt: grant.expiresAt?.toISOString() ?? null,
    }
    await this.issues.record({ type: 'TokenIssued', data }, question.caller, currentRequest()?.correlationId)
    return {
      type: REQUESTED_TOKEN_TYPE.accessToken,
      accessToken: opened,
      expiresIn: secondsLeft(grant, facts.now),
      ...(grant.scope && { scope: grant.scope }),
    }
  }

  /** As after a refresh: whoever may not have the key any more, by now, does not get it. */
  async #issueVisitorKey(
    question: Question,
    { viewer, integration, role }: Extract<Decision, { verdict: 'visitor_key' }>,
  ): Promise<Issued> {
    const { caller } = question
    const { key, expiresIn } = await this.visitorKeys.issue(viewer.userGuid, role, viewer.content)
    const current = await this.#decide(question)
    const { decision } = current
    if (decision.verdict !== 'visitor_key' || decision.role !== role || decision.integration.guid !== integration.guid)
      return await this.#issue(question, current)
    const data = { userGuid: viewer.userGuid, contentGuid: viewer.content, integrationGuid: integration.guid, role }
    await this.issues.record({ type: 'VisitorKeyIssued', data }, caller, currentRequest()?.correlationId)
    return { type: REQUESTED_TOKEN_TYPE.apiKey, accessToken: key, expiresIn }
  }

  async #issueOfService(
    { caller, subject }: Question,
    integration: IntegrationState,
    token: { accessToken: Secret; generation: number; expiresAt: Date | null },
    now: Date,
  ): Promise<Issued> {
    const data = {
      userGuid: keyOwner(caller),
      contentGuid: subject.content,
      integrationGuid: integration.guid,
      generation: token.generation,
      expiresAt: token.expiresAt?.toISOString() ?? null,
    }
    await this.issues.record({ type: 'ServiceTokenIssued', data }, caller, currentRequest()?.correlationId)
    return {
      type: REQUESTED_TOKEN_TYPE.accessToken,
      accessToken: token.accessToken,
      expiresIn: secondsLeft(token, now),
    }
  }
}

const secondsLeft = ({ expiresAt }: { readonly expiresAt: Date | null }, now: Date): number | undefined =>
  expiresAt ? Math.max(0, Math.floor((expiresAt.getTime() - now.getTime()) / 1000)) : undefined

const isAnother = (now: Pick<Trade, 'grant' | 'integration'>, then: Trade): boolean =>
  now.grant?.generation !== then.grant?.generation ||
  JSON.stringify(now.integration.issues) !== JSON.stringify(then.integration.issues)

const notObtained = (outcome: Exclude<ServiceTokenOutcome, { kind: 'token' }>): DomainError =>
  outcome.kind === 'failed' && outcome.fate !== 'retry' ? misconfigured(outcome.error) : providerUnavailable()

function unlessTampered(error: unknown): undefined {
  if (!isTampered(error)) throw error
}

/** What the libraries refuse says nothing of OAuth. */
function inOAuthWords(error: unknown): unknown {
  if (!(error instanceof DomainError) || error.kind !== 'unavailable' || error.payload) return error
  const { kind, code, message, cause } = error
  return new DomainError(kind, code, message, { cause, payload: { oauth_error: 'temporarily_unavailable' } })
}
