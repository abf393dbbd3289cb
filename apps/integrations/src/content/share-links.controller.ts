import { randomBytes } from 'node:crypto'
import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common'
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger'
import { DomainError, Secret, shareLinkHash, type Actor } from '#libs/contracts'
import { Streams } from '#libs/event-sourcing'
import {
  ApplicationsSettings,
  Audit,
  Command,
  createdGuid,
  CurrentActor,
  GuidPipe,
  NotAudited,
  RequireRole,
  ServerSettings,
  type CommandContext,
} from '#libs/service'
import { contentStream } from './content.stream.js'
import { Editing } from './editing.js'
import { NewShareLinkBody, shareLinkView, ShareLinkView, shareUrl } from './share-link.dto.js'
import { ShareLinkQueries } from './share-link.queries.js'
import { mustBeWithin } from './widest-access.js'

/** Links with which anybody may visit a content item, for as long as they are good. */
@ApiTags('Share links')
@Controller('__api__/v1/content/:guid/share-links')
export class ShareLinksController {
  constructor(
    private readonly streams: Streams,
    private readonly editing: Editing,
    private readonly links: ShareLinkQueries,
    private readonly server: ServerSettings,
    private readonly applications: ApplicationsSettings,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Lists the share links, oldest first, without what would open them' })
  @ApiOkResponse({ type: [ShareLinkView] })
  @RequireRole('publisher')
  @NotAudited('read only')
  async list(@Param('guid', GuidPipe) guid: string, @CurrentActor() actor: Actor): Promise<ShareLinkView[]> {
    await this.editing.of(guid, actor)
    return (await this.links.list(guid)).map(shareLinkView)
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({ summary: 'Makes a share link; the answer is the only place where it is shown' })
  @ApiOkResponse({ type: ShareLinkView })
  @RequireRole('publisher')
  @Audit('share_link.create')
  async create(
    @Param('guid', GuidPipe) guid: string,
    @Body() { expires_at: expires }: NewShareLinkBody,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<ShareLinkView> {
    const { editor } = await this.editing.of(guid, actor)
    // A link lets in people who do not log in, as content for all does.
    mustBeWithin(this.applications.widestFor(editor.role), 'all')
    const linkGuid = createdGuid(context.commandId)
    const token = new Secret(randomBytes(32).toString('base64url'))
    const tokenHash = shareLinkHash(token.reveal())!
    const expiresAt = expires ? new Date(expires).toISOString() : null
    const link = { linkGuid, tokenHash, expiresAt }
    const command = { type: 'CreateShareLink', editor, link, now: new Date() } as const
    const { repeated } = await this.streams.handle(contentStream, guid, command, context)
    if (repeated) {
      throw new DomainError(
        'conflict',
        'share_link.shown_once',
        'This share link has been made and was shown once; revoke it and make another.',
      )
    }
    return { ...shareLinkView(await this.links.get(guid, linkGuid)), url: shareUrl(this.server, guid, token.reveal()) }
  }

  @Delete(':link')
  @HttpCode(204)
  @ApiOperation({ summary: 'Revokes a share link; whoever came by it is out within seconds' })
  @ApiNoContentResponse()
  @RequireRole('publisher')
  @Audit('share_link.revoke')
  async revoke(
    @Param('guid', GuidPipe) guid: string,
    @Param('link', GuidPipe) linkGuid: string,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<void> {
    const { editor } = await this.editing.of(guid, actor)
    await this.streams.handle(contentStream, guid, { type: 'RevokeShareLink', editor, linkGuid }, context)
  }
}
