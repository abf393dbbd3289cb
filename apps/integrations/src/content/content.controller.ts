import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common'
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger'
import { mustBePerson, type Actor } from '#libs/contracts'
import { Streams } from '#libs/event-sourcing'
import {
  Audit,
  Command,
  createdGuid,
  CurrentActor,
  GuidPipe,
  NotAudited,
  RequireRole,
  ServerSettings,
  UpstreamList,
  type CommandContext,
} from '#libs/service'
import { changesOf, ContentBody, ContentFilter, contentView, ContentView, NewContentBody } from './content.dto.js'
import { giveUpName, takeName } from './content.names.js'
import { roleOf } from './app-role.js'
import type { Content } from './content.entity.js'
import { ContentQueries } from './content.queries.js'
import { contentStream } from './content.stream.js'

@ApiTags('Content')
@Controller('__api__/v1/content')
export class ContentController {
  constructor(
    private readonly streams: Streams,
    private readonly contents: ContentQueries,
    private readonly upstreams: UpstreamList,
    private readonly server: ServerSettings,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Lists the content that the caller may see, oldest first' })
  @ApiOkResponse({ type: [ContentView] })
  @RequireRole('viewer')
  @NotAudited('read only')
  async list(@Query() filter: ContentFilter, @CurrentActor() actor: Actor): Promise<ContentView[]> {
    const caller = mustBePerson(actor)
    const contents = await this.contents.list({ name: filter.name, ownerGuid: filter.owner_guid })
    return contents.filter((content) => roleOf(content, caller) !== 'none').map((content) => this.#view(content, actor))
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({ summary: 'Registers a content item that belongs to the caller' })
  @ApiOkResponse({ type: ContentView })
  @RequireRole('publisher')
  @Audit('content.register')
  async register(
    @Body() body: NewContentBody,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<ContentView> {
    const guid = createdGuid(context.commandId)
    const { guid: ownerGuid } = mustBePerson(actor)
    const { name = `content-${guid}`, title = null, description = '', access_type: accessType = 'acl' } = body
    const command = { type: 'RegisterContent', ownerGuid, name, title, description, accessType } as const
    await this.streams.handle(contentStream, guid, command, context, {
      record: (client) => takeName(client, guid, ownerGuid, name),
    })
    return this.#view(await this.contents.get(guid), actor)
  }

  @Get(':guid')
  @ApiOperation({ summary: 'Shows one content item' })
  @ApiOkResponse({ type: ContentView })
  @RequireRole('viewer')
  @NotAudited('read only')
  async get(@Param('guid', GuidPipe) guid: string, @CurrentActor() actor: Actor): Promise<ContentView> {
    return this.#view(await this.contents.visible(guid, mustBePerson(actor)), actor)
  }

  @Patch(':guid')
  @ApiOperation({ summary: 'Changes what is named in the body; the rest stays' })
  @ApiOkResponse({ type: ContentView })
  @RequireRole('publisher')
  @Audit('content.change')
  async change(
    @Param('guid', GuidPipe) guid: string,
    @Body() body: ContentBody,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<ContentView> {
    const { ownerGuid } = await this.contents.visible(guid, mustBePerson(actor))
    const { name, upstream_url: upstreamUrl } = body
    const upstream = typeof upstreamUrl === 'string' ? this.upstreams.verdict(upstreamUrl) : undefined
    const command = {
      type: 'ChangeContent',
      editor: mustBePerson(actor),
      changes: changesOf(body),
      upstream,
    } as const
    await this.streams.handle(contentStream, guid, command, context, {
      record: async (client) => {
        if (name !== undefined) await takeName(client, guid, ownerGuid, name)
      },
    })
    return this.#view(await this.contents.get(guid), actor)
  }

  @Delete(':guid')
  @HttpCode(204)
  @ApiOperation({ summary: 'Removes a content item with its associations' })
  @ApiNoContentResponse()
  @RequireRole('publisher')
  @Audit('content.delete')
  async delete(
    @Param('guid', GuidPipe) guid: string,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<void> {
    const editor = mustBePerson(actor)
    // A repeat of a deletion that was carried out finds nothing to see, and is answered as the first time.
    if (!(await this.streams.former(contentStream, guid, context))) await this.contents.visible(guid, editor)
    const command = { type: 'DeleteContent', editor } as const
    await this.streams.handle(contentStream, guid, command, context, { record: (client) => giveUpName(client, guid) })
  }

  #view(content: Content, actor: Actor): ContentView {
    return contentView(content, mustBePerson(actor), this.server)
  }
}
