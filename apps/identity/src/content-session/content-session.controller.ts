import { randomUUID } from 'node:crypto'
import { Controller, Header, HttpCode, Param, Post } from '@nestjs/common'
import { ApiForbiddenResponse, ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger'
import { permissionDenied, SUBJECT_TOKEN_TYPE, TOKEN_TYP, type Actor } from '#libs/contracts'
import { ContentSettings, CurrentActor, ForActor, GuidPipe, NotAudited, ServerSettings } from '#libs/service'
import { TokenKeys } from '../token/token-keys.js'
import { UserQueries } from '../user/user.queries.js'
import { OwnContent } from './own-content.js'

class ContentSessionToken {
  @ApiProperty({ description: 'The subject_token of token exchanges for service accounts.' })
  token: string

  @ApiProperty({ enum: [SUBJECT_TOKEN_TYPE.contentSession], description: 'What the token is.' })
  token_type: string

  @ApiProperty({ type: 'integer', description: 'Seconds that it is good for.' })
  expires_in: number
}

/** Content session tokens: an app or job that runs somewhere else gets them by its own or its owner's key. */
@ApiTags('Content')
@Controller('__api__/v1/content/:guid/session-token')
export class ContentSessionController {
  constructor(
    private readonly keys: TokenKeys,
    private readonly content: OwnContent,
    private readonly users: UserQueries,
    private readonly server: ServerSettings,
    private readonly settings: ContentSettings,
  ) {}

  @Post()
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Makes a content session token, by which content gets tokens of service accounts',
    description: 'For a key that is bound to the content, or for a key of its owner whose role is publisher or more.',
  })
  @ApiOkResponse({ type: ContentSessionToken })
  @ApiForbiddenResponse({ description: 'The key is neither.' })
  @ForActor('key', 'content_key')
  @NotAudited('good for nothing but the exchange, which is audited')
  async issue(@Param('guid', GuidPipe) guid: string, @CurrentActor() actor: Actor): Promise<ContentSessionToken> {
    await this.#mustOwn(actor, guid)
    const seconds = Math.floor(this.settings.contentSessionTokenLifetimeMs / 1000)
    const claims = { iss: this.server.address, aud: 'vault', sub: guid, jti: randomUUID() }
    return {
      token: await this.keys.sign(TOKEN_TYP.contentSession, claims, seconds),
      token_type: SUBJECT_TOKEN_TYPE.contentSession,
      expires_in: seconds,
    }
  }

  async #mustOwn(actor: Actor, guid: string): Promise<void> {
    if (actor.type === 'key' && actor.visit !== undefined) throw permissionDenied()
    if (actor.type === 'key') return this.content.mustBeOf(actor.user, guid, actor.role)
    if (actor.type !== 'content_key' || actor.content !== guid) throw permissionDenied()
    // The key says nothing of its role: it has been one of a publisher, who may have become less or given the content away.
    const owner = await this.users.find(actor.owner)
    if (!owner || owner.locked) throw permissionDenied()
    await this.content.mustBeOf(actor.owner, guid, owner.role)
  }
}
