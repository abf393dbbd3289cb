import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, type StreamableFile } from '@nestjs/common'
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger'
import { DomainError, mustBePerson, type Actor } from '#libs/contracts'
import { Streams } from '#libs/event-sourcing'
import {
  Audit,
  Command,
  createdGuid,
  CurrentActor,
  NotAudited,
  RequireRole,
  ServerSettings,
  type CommandContext,
} from '#libs/service'
import { contentView, ContentView } from '../content/content.dto.js'
import { ContentQueries, type SeenContent } from '../content/content.queries.js'
import { jsonArray } from '../content/json-array.js'
import { NewTagBody, TagBody, TagFilter, tagView, TagView } from './tag.dto.js'
import { TagQueries } from './tag.queries.js'
import { TAGS, tagStream } from './tag.stream.js'

@ApiTags('Tags')
@Controller('__api__/v1/tags')
export class TagController {
  constructor(
    private readonly streams: Streams,
    private readonly tags: TagQueries,
    private readonly contents: ContentQueries,
    private readonly server: ServerSettings,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Lists the tags, oldest first; those without a parent are categories' })
  @ApiOkResponse({ type: [TagView] })
  @RequireRole('viewer')
  @NotAudited('read only')
  async list(@Query() { name, parent_id: parentId }: TagFilter): Promise<TagView[]> {
    return (await this.tags.list({ name, parentId })).map(tagView)
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({ summary: 'Adds a tag under another, or a category' })
  @ApiOkResponse({ type: TagView })
  @RequireRole('administrator')
  @Audit('tag.add')
  async add(@Body() body: NewTagBody, @Command() context: CommandContext): Promise<TagView> {
    const tagGuid = createdGuid(context.commandId)
    const parentGuid = await this.#parent(body.parent_id ?? null)
    const { events } = await this.streams.handle(
      tagStream,
      TAGS,
      { type: 'AddTag', tagGuid, parentGuid, name: body.name },
      context,
    )
    return tagView(await this.tags.get(String(events[0]!.position)))
  }

  @Get(':id')
  @ApiOperation({ summary: 'Shows one tag' })
  @ApiOkResponse({ type: TagView })
  @RequireRole('viewer')
  @NotAudited('read only')
  async get(@Param('id') id: string): Promise<TagView> {
    return tagView(await this.tags.get(id))
  }

  @Patch(':id')
  @ApiOperation({ summary: 'Renames a tag or puts it under another; what is not named stays' })
  @ApiOkResponse({ type: TagView })
  @RequireRole('administrator')
  @Audit('tag.change')
  async change(@Param('id') id: string, @Body() body: TagBody, @Command() context: CommandContext): Promise<TagView> {
    const { guid: tagGuid } = await this.tags.get(id)
    const { name, parent_id: parentId } = body
    const command = {
      type: 'ChangeTag',
      tagGuid,
      ...(name !== undefined && { name }),
      ...(parentId !== undefined && { parentGuid: await this.#parent(parentId) }),
    } as const
    await this.streams.handle(tagStream, TAGS, command, context)
    return tagView(await this.tags.get(id))
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Removes a tag and all under it, also from content' })
  @ApiNoContentResponse()
  @RequireRole('administrator')
  @Audit('tag.remove')
  async remove(@Param('id') id: string, @Command() context: CommandContext): Promise<void> {
    if (await this.streams.former(tagStream, TAGS, context)) return
    const { guid: tagGuid } = await this.tags.get(id)
    await this.streams.handle(tagStream, TAGS, { type: 'RemoveTag', tagGuid }, context)
  }

  @Get(':id/content')
  @ApiOperation({ summary: 'Lists the content with this tag that the caller may see, oldest first' })
  @ApiOkResponse({ type: [ContentView] })
  @RequireRole('viewer')
  @NotAudited('read only')
  async content(@Param('id') id: string, @CurrentActor() actor: Actor): Promise<StreamableFile> {
    const { guid: tagGuid } = await this.tags.get(id)
    return jsonArray(this.#views(this.contents.listVisible({ tagGuid }, mustBePerson(actor))))
  }

  async *#views(batches: AsyncIterable<SeenContent[]>): AsyncGenerator<ContentView[]> {
    for await (const contents of batches) yield contents.map((content) => contentView(content, this.server))
  }

  async #parent(id: string | null): Promise<string | null> {
    if (id === null) return null
    const parent = await this.tags.find(id)
    if (!parent) throw new DomainError('invalid', 'tag.parent_unknown', 'The parent tag does not exist.')
    return parent.guid
  }
}
