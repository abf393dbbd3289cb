import { Body, Controller, Delete, Get, HttpCode, Param, Put } from '@nestjs/common'
import { InjectRepository } from '@nestjs/typeorm'
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger'
import { Pool } from 'pg'
import { IsNull, Not, Repository } from 'typeorm'
import { DomainError, mustBePerson, type Actor } from '#libs/contracts'
import { Streams } from '#libs/event-sourcing'
import { Audit, Command, CurrentActor, GuidPipe, NotAudited, RequireRole, type CommandContext } from '#libs/service'
import { Content } from '../content/content.entity.js'
import { ContentQueries } from '../content/content.queries.js'
import { contentStream } from '../content/content.stream.js'
import { Editing } from '../content/editing.js'
import { giveUpVanityPath, holdersOf, takeVanityPath } from './vanity.paths.js'
import { vanityPathOf } from './vanity-path.js'
import { VanityBody, VanityView, vanityView } from './vanity.dto.js'

@ApiTags('Content')
@Controller('__api__/v1')
export class VanityController {
  constructor(
    private readonly streams: Streams,
    private readonly contents: ContentQueries,
    private readonly editing: Editing,
    @InjectRepository(Content) private readonly rows: Repository<Content>,
    private readonly pool: Pool,
  ) {}

  @Get('vanities')
  @ApiOperation({ summary: 'Lists the paths of all content, oldest content first' })
  @ApiOkResponse({ type: [VanityView] })
  @RequireRole('administrator')
  @NotAudited('read only')
  async list(): Promise<VanityView[]> {
    const contents = await this.rows.find({ where: { vanityPath: Not(IsNull()) }, order: { position: 'asc' } })
    return contents.flatMap((content) => vanityView(content) ?? [])
  }

  @Get('content/:guid/vanity')
  @ApiOperation({ summary: 'Shows the path that a content item has beside its own' })
  @ApiOkResponse({ type: VanityView })
  @RequireRole('viewer')
  @NotAudited('read only')
  async get(@Param('guid', GuidPipe) guid: string, @CurrentActor() actor: Actor): Promise<VanityView> {
    return shown(await this.contents.visible(guid, mustBePerson(actor)))
  }

  @Put('content/:guid/vanity')
  @ApiOperation({ summary: 'Gives a content item a path, in the place of the one that it may have' })
  @ApiOkResponse({ type: VanityView })
  @RequireRole('publisher')
  @Audit('vanity.set')
  async set(
    @Param('guid', GuidPipe) guid: string,
    @Body() body: VanityBody,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<VanityView> {
    const { editor } = await this.editing.of(guid, actor)
    const vanityPath = vanityPathOf(body.path)
    if (body.force) await this.#free(guid, vanityPath, actor, context)
    const command = { type: 'ChangeVanityPath', editor, vanityPath } as const
    await this.streams.handle(contentStream, guid, command, context, {
      record: (client) => takeVanityPath(client, guid, vanityPath),
    })
    return shown(await this.contents.get(guid))
  }

  @Delete('content/:guid/vanity')
  @HttpCode(204)
  @ApiOperation({ summary: 'Takes the path away; the content stays at its own' })
  @ApiNoContentResponse()
  @RequireRole('publisher')
  @Audit('vanity.remove')
  async remove(
    @Param('guid', GuidPipe) guid: string,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<void> {
    const { editor } = await this.editing.of(guid, actor)
    await this.streams.handle(contentStream, guid, { type: 'ChangeVanityPath', editor, vanityPath: null }, context, {
      record: (client) => giveUpVanityPath(client, guid),
    })
  }

  /** Interrupted, it leaves a path that nobody has. */
  async #free(guid: string, path: string, actor: Actor, context: CommandContext): Promise<void> {
    const others = (await holdersOf(this.pool, path)).filter((holder) => holder !== guid)
    const editors = await Promise.all(
      others.map(async (other) => {
        // Whoever may not even see what is there learns no more than that the path is in use.
        const found = await this.editing.of(other, actor).catch((error: unknown) => {
          if (error instanceof DomainError && error.kind !== 'unavailable') return undefined
          throw error
        })
        return found && { other, editor: found.editor }
      }),
    )
    // Not one is freed unless all can be.
    if (editors.includes(undefined)) return
    for (const { other, editor } of editors.filter((each) => each !== undefined)) {
      await this.streams.handle(contentStream, other, { type: 'ChangeVanityPath', editor, vanityPath: null }, context, {
        record: (client) => giveUpVanityPath(client, other),
      })
    }
  }
}

function shown(content: Content): VanityView {
  const view = vanityView(content)
  if (!view) throw new DomainError('not_found', 'object.not_found', 'This content has no vanity path.')
  return view
}
