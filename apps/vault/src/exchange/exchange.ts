import { Injectable } from '@nestjs/common'
import {
  contentContract,
  DomainError,
  groupContract,
  integrationContract,
  userContract,
  type ChangeContract,
  type Secret,
} from '#libs/contracts'
import { Replicas } from '#libs/messaging'
import { currentRequest, ExchangeSettings } from '#libs/service'
import { tokenPlace } from '../grant/grant.stream.js'
import { Refreshes } from '../grant/refresh.js'
import { Safe } from '../safe/index.js'
import {
  decide,
  misconfigured,
  providerUnavailable,
  readRequest,
  type KeyActor,
  type Decision,
  type Doubt,
  type ExchangePolicy,
  type ExchangeRequest,
  type GrantFacts,
  type Subject,
} from './decide.js'
import { FactQueries, type LookedUp } from './facts.js'
import { IssueLog } from './issue-log.js'
import { SubjectTokens } from './subject-tokens.js'

const CONTRACTS: Readonly<Record<Doubt['kind'], ChangeContract<unknown>>> = {
  content: contentContract,
  user: userContract,
  group: groupContract,
  integration: integrationContract,
}

/** A viewer's access token on its way out. */
export interface Issued {
  readonly accessToken: Secret
  /** Whole seconds; `undefined` when the provider did not say. */
  readonly expiresIn: number | undefined
}

interface Question {
  readonly request: ExchangeRequest
  readonly caller: KeyActor
  readonly subject: Subject
}

type Decided = LookedUp & { readonly decision: Decision }

/** Which token, for whom, right now: decides, refreshes if need be, opens the safe, writes the audit row, answers. */
@Injectable()
export class Exchange {
  constructor(
    private readonly subjects: SubjectTokens,
    private readonly facts: FactQueries,
    private readonly replicas: Replicas,
    private readonly refreshes: Refreshes,
    private readonly safe: Safe,
    private readonly issues: IssueLog,
    private readonly settings: ExchangeSettings,
    private readonly policy: ExchangePolicy,
  ) {}

  /** @throws DomainError one of the refusals of `decide.ts`, or kind `unavailable` */
  async exchange(form: Readonly<Record<string, string>>, caller: KeyActor): Promise<Issued> {
    try {
      const request = readRequest(form, caller)
      const subject = await this.subjects.verify(request.subjectToken)
      const question = { request, caller, subject }
      return await this.#issue(question, await this.#refreshed(question, await this.#decide(question)))
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
      const callerUser = caller.type === 'key' ? caller.user : undefined
      const found = await this.facts.lookUp(subject.content, subject.userGuid, callerUser, request.audience)
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

  async #issue({ caller, subject }: Question, { decision, facts, accessToken }: Decided): Promise<Issued> {
    if (decision.verdict === 'refuse') throw decision.error
    const { grant, integration } = decision
    if (decision.verdict === 'issue') this.refreshes.renewEarly(grant, integration, facts.now)
    if (!accessToken) throw new Error(`grant ${grant.guid} has no access token in the safe`)
    const opened = await this.safe.openEnvelope(accessToken, tokenPlace(grant.guid, 'access_token'), grant.generation)
    await this.issues.record(
      {
        userGuid: subject.userGuid,
        contentGuid: subject.content,
        integrationGuid: integration.guid,
        grantGuid: grant.guid,
        generation: grant.generation,
        expiresAt: grant.expiresAt?.toISOString() ?? null,
      },
      caller,
      currentRequest()?.correlationId,
    )
    return { accessToken: opened, expiresIn: secondsLeft(grant, facts.now) }
  }
}

const secondsLeft = ({ expiresAt }: GrantFacts, now: Date): number | undefined =>
  expiresAt ? Math.max(0, Math.floor((expiresAt.getTime() - now.getTime()) / 1000)) : undefined

/** What the libraries refuse says nothing of OAuth. */
function inOAuthWords(error: unknown): unknown {
  if (!(error instanceof DomainError) || error.kind !== 'unavailable' || error.payload) return error
  const { kind, code, message, cause } = error
  return new DomainError(kind, code, message, { cause, payload: { oauth_error: 'temporarily_unavailable' } })
}
