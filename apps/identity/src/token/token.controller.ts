import { randomUUID } from 'node:crypto'
import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import { Type } from 'class-transformer'
import { IsDefined, IsIn, IsString, MaxLength, ValidateNested } from 'class-validator'
import type { JWK } from 'jose'
import {
  ACTOR_ASSERTION_SECONDS,
  authenticationFailed,
  isAtLeast,
  SERVICES,
  sidOf,
  TOKEN_TYP,
  type Actor,
  type ServiceName,
  type UserSessionClaims,
} from '#libs/contracts'
import { ContentSettings, CurrentActor, IsGuid, NotAudited, Open, ServerSettings, ServiceOnly } from '#libs/service'
import { ApiKeyUse } from '../api-key/api-key-use.js'
import { ApiKeyQueries } from '../api-key/api-key.queries.js'
import { Sessions } from '../session/sessions.js'
import { TokenKeys } from './token-keys.js'

class Credential {
  @IsIn(['session', 'api_key'])
  type: 'session' | 'api_key'

  @IsString()
  @MaxLength(4096)
  value: string
}

class AssertionBody {
  @IsDefined()
  @ValidateNested()
  @Type(() => Credential)
  credential: Credential

  @IsIn(SERVICES)
  audience: ServiceName
}

class UserSessionTokenBody {
  @IsGuid()
  content_guid: string
}

/** Says who is at the door, in tokens that the other services can verify by themselves. */
@ApiExcludeController()
@Controller('internal')
export class TokenController {
  constructor(
    private readonly keys: TokenKeys,
    private readonly sessions: Sessions,
    private readonly apiKeys: ApiKeyQueries,
    private readonly apiKeyUse: ApiKeyUse,
    private readonly server: ServerSettings,
    private readonly content: ContentSettings,
  ) {}

  @Post('actor-assertions')
  @HttpCode(200)
  @ServiceOnly('assertActor')
  @NotAudited('says who acts; the act itself is audited where it is done')
  async assertActor(@Body() body: AssertionBody): Promise<{ actor: Actor; assertion: string; expires_in: number }> {
    const known = await (body.credential.type === 'session'
      ? this.#bySession(body.credential)
      : this.#byKey(body.credential))
    if (!known) throw authenticationFailed()
    const { actor, endsAt } = known
    const seconds = secondsUntil(endsAt, ACTOR_ASSERTION_SECONDS)
    const assertion = await this.keys.sign(TOKEN_TYP.actor, { iss: 'identity', aud: body.audience, actor }, seconds)
    return { actor, assertion, expires_in: seconds }
  }

  @Post('user-session-tokens')
  @HttpCode(200)
  @ServiceOnly('issueUserSessionToken')
  @NotAudited('good for nothing but the exchange, which is audited')
  async issueUserSessionToken(
    @Body() body: UserSessionTokenBody,
    @CurrentActor() actor: Actor,
  ): Promise<{ token: string; expires_in: number }> {
    const session = actor.type === 'user' ? await this.sessions.use(actor.sid) : undefined
    if (actor.type !== 'user' || session?.guid !== actor.guid) throw authenticationFailed()
    const seconds = secondsUntil(session.expiresAt, Math.floor(this.content.userSessionTokenLifetimeMs / 1000))
    const claims: UserSessionClaims = { content: body.content_guid, sid: actor.sid }
    const standard = { iss: this.server.address, aud: 'vault', sub: actor.guid, jti: randomUUID() }
    return {
      token: await this.keys.sign(TOKEN_TYP.userSession, { ...standard, ...claims }, seconds),
      expires_in: seconds,
    }
  }

  @Get('jwks/actor')
  @Open('public keys')
  @NotAudited('read only')
  actorKeys(): { keys: readonly JWK[] } {
    return this.keys.jwks(TOKEN_TYP.actor)
  }

  @Get('jwks/user-session')
  @Open('public keys')
  @NotAudited('read only')
  userSessionKeys(): { keys: readonly JWK[] } {
    return this.keys.jwks(TOKEN_TYP.userSession)
  }

  @Get('jwks/content-session')
  @Open('public keys')
  @NotAudited('read only')
  contentSessionKeys(): { keys: readonly JWK[] } {
    return this.keys.jwks(TOKEN_TYP.contentSession)
  }

  async #bySession({ value }: Credential): Promise<{ actor: Actor; endsAt: Date | null } | undefined> {
    const sid = sidOf(value)
    const user = sid && (await this.sessions.use(sid))
    if (!sid || !user) return undefined
    return { actor: { type: 'user', guid: user.guid, role: user.role, sid }, endsAt: user.expiresAt }
  }

  async #byKey({ value }: Credential): Promise<{ actor: Actor; endsAt: Date | null } | undefined> {
    const holder = await this.apiKeys.holderOf(value)
    if (!holder) return undefined
    const { guid, userGuid, role, expiresAt, contentGuid, visitOf } = holder
    if (visitOf !== null)
      return { actor: { type: 'key', guid, user: userGuid, role, visit: visitOf }, endsAt: expiresAt }
    await this.apiKeyUse.note(guid)
    if (contentGuid !== null) {
      if (!isAtLeast(role, 'publisher')) return undefined
      return { actor: { type: 'content_key', guid, content: contentGuid, owner: userGuid }, endsAt: expiresAt }
    }
    return { actor: { type: 'key', guid, user: userGuid, role }, endsAt: expiresAt }
  }
}

/** @param most seconds, when the end is later or there is none */
const secondsUntil = (end: Date | null, most: number): number =>
  end ? Math.max(1, Math.min(most, Math.floor((end.getTime() - Date.now()) / 1000))) : most
