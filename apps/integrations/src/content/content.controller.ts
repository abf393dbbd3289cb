import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, type StreamableFile } from '@nestjs/common'
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger'
import { mustBePerson, type Actor } from '#libs/contracts'
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
  UpstreamList,
  type CommandContext,
} from '#libs/service'
import { giveUpBelongings } from './belongings.records.js'
import { ContentIncludes, includesOf, type Include } from './content-includes.js'
import {
  changesOf,
  ContentBody,
  ContentFilter,
  ContentInclude,
  contentView,
  ContentView,
  NewContentBody,
} from './content.dto.js'
import { giveUpName, takeName } from './content.names.js'
import { ContentQueries, type SeenContent } from './content.queries.js'
import { contentStream } from './content.stream.js'
import { Editing } from './editing.js'
import { jsonArray } from './json-array.js'
import { Principals } from './principals.js'
import { differing, mayRunAs, settingsIn } from './runtime-settings.js'
import { mustBeWithin } from './widest-access.js'

@ApiTags('Content')
@Controller('__api__/v1/content')
export class ContentController {
  constructor(
    private readonly streams: Streams,
    private readonly contents: ContentQueries,
    private readonly editing: Editing,
    private readonly includes: ContentIncludes,
    private readonly principals: Principals,
    private readonly upstreams: UpstreamList,
    private readonly applications: ApplicationsSettings,
    private readonly server: ServerSettings,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Lists the content that the caller may see, oldest first' })
  @ApiOkResponse({ type: [ContentView] })
  @RequireRole('viewer')
  @NotAudited('read only')
  async list(@Query() filter: ContentFilter, @CurrentActor() actor: Actor): Promise<StreamableFile> {
    const includes = includesOf(filter.include)
    const wanted = { name: filter.name, ownerGuid: filter.owner_guid }
    return jsonArray(this.#views(this.contents.listVisible(wanted, mustBePerson(actor)), includes))
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
    mayRunAs(differing(settingsIn(body), {}) ?? {}, mustBePerson(actor))
    const { name = `content-${guid}`, title = null, description = '', access_type: accessType = 'acl' } = body
    mustBeWithin(this.applications.widestFor(mustBePerson(actor).role), accessType)
    const settings = settingsIn(body)
    const command = { type: 'RegisterContent', ownerGuid, name, title, description, accessType, settings } as const
    await this.streams.handle(contentStream, guid, command, context, { record: (client) => takeName(client, guid) })
    // A repeat may come after the content was given away: then it is none of the caller's any more.
    return contentView(await this.contents.visible(guid, mustBePerson(actor)), this.server)
  }

  @Get(':guid')
  @ApiOperation({ summary: 'Shows one content item' })
  @ApiOkResponse({ type: ContentView })
  @RequireRole('viewer')
  @NotAudited('read only')
  async get(
    @Param('guid', GuidPipe) guid: string,
    @Query() { include }: ContentInclude,
    @CurrentActor() actor: Actor,
  ): Promise<ContentView> {
    const includes = includesOf(include)
    const content = await this.contents.visible(guid, mustBePerson(actor))
    return contentView(content, this.server, (await this.includes.of([content], includes)).get(guid))
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
    const { editor } = await this.editing.of(guid, actor)
    const { owner_guid: ownerGuid, upstream_url: upstreamUrl } = body
    // Also of who seems to be the owner already: by the time of the command it may be somebody else.
    if (ownerGuid !== undefined) await this.principals.mustBeOwner(ownerGuid)
    const upstream = typeof upstreamUrl === 'string' ? this.upstreams.verdict(upstreamUrl) : undefined
    const widest = this.applications.widestFor(editor.role)
    const command = { type: 'ChangeContent', editor, changes: changesOf(body), upstream, widest } as const
    await this.streams.handle(contentStream, guid, command, context, { record: (client) => takeName(client, guid) })
    return contentView(await this.contents.seen(guid, mustBePerson(actor)), this.server)
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
    // A repeat of a deletion that was carried out finds nothing to see, and is answered as the first time.
    if (await this.streams.former(contentStream, guid, context)) return
    const { editor } = await this.editing.of(guid, actor)
    const command = { type: 'DeleteContent', editor } as const
    await this.streams.handle(contentStream, guid, command, context, {
      record: async (client) => {
        await giveUpName(client, guid)
        await giveUpBelongings(client, guid)
      },
    })
  }

  async *#views(batches: AsyncIterable<SeenContent[]>, includes: readonly Include[]): AsyncGenerator<ContentView[]> {
    for await (const contents of batches) {
      const included = await this.includes.of(contents, includes)
      yield contents.map((content) => contentView(content, this.server, included.get(content.guid)))
    }
  }
}
