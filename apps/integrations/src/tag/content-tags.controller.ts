import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common'
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger'
import { DomainError, mustBePerson, type Actor } from '#libs/contracts'
import { Streams } from '#libs/event-sourcing'
import { Audit, Command, CurrentActor, GuidPipe, NotAudited, RequireRole, type CommandContext } from '#libs/service'
import { ContentQueries } from '../content/content.queries.js'
import { contentStream } from '../content/content.stream.js'
import { Editing } from '../content/editing.js'
import { TagReference, TagView, tagView } from './tag.dto.js'
import { TagQueries } from './tag.queries.js'

@ApiTags('Tags')
@Controller('__api__/v1/content/:guid/tags')
export class ContentTagsController {
  constructor(
    private readonly streams: Streams,
    private readonly contents: ContentQueries,
    private readonly editing: Editing,
    private readonly tags: TagQueries,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Lists the tags of a content item, oldest first; categories are not among them' })
  @ApiOkResponse({ type: [TagView] })
  @RequireRole('viewer')
  @NotAudited('read only')
  async list(@Param('guid', GuidPipe) guid: string, @CurrentActor() actor: Actor): Promise<TagView[]> {
    await this.contents.visible(guid, mustBePerson(actor))
    return (await this.tags.ofContent(guid)).map(tagView)
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({ summary: 'Adds a tag and the tags above it' })
  @ApiOkResponse({ type: [TagView] })
  @RequireRole('publisher')
  @Audit('content_tag.add')
  async add(
    @Param('guid', GuidPipe) guid: string,
    @Body() { tag_id: id }: TagReference,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<TagView[]> {
    const { editor } = await this.editing.of(guid, actor)
    const tag = await this.tags.find(id)
    if (!tag) throw new DomainError('invalid', 'tag.unknown', 'The tag does not exist.')
    if (tag.parentId === null) {
      throw new DomainError('invalid', 'tag.is_category', 'A category cannot be given to content; a tag under it can.')
    }
    const add = await this.tags.withAncestors(tag.guid)
    await this.streams.handle(contentStream, guid, { type: 'ChangeTags', editor, add, remove: [] }, context)
    return (await this.tags.ofContent(guid)).map(tagView)
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Takes a tag and all under it away from a content item; of a category, all under it' })
  @ApiNoContentResponse()
  @RequireRole('publisher')
  @Audit('content_tag.remove')
  async remove(
    @Param('guid', GuidPipe) guid: string,
    @Param('id') id: string,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<void> {
    const { editor } = await this.editing.of(guid, actor)
    const { guid: tagGuid } = await this.tags.get(id)
    const remove = await this.tags.withDescendants(tagGuid)
    await this.streams.handle(contentStream, guid, { type: 'ChangeTags', editor, add: [], remove }, context)
  }
}
