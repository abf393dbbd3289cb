import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Put } from '@nestjs/common'
import { InjectRepository } from '@nestjs/typeorm'
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger'
import { Repository } from 'typeorm'
import type { Actor } from '#libs/contracts'
import { Streams } from '#libs/event-sourcing'
import { Audit, Command, CurrentActor, GuidPipe, NotAudited, RequireRole, type CommandContext } from '#libs/service'
import { noRepository } from '../content/belongings.js'
import { contentStream } from '../content/content.stream.js'
import { Editing } from '../content/editing.js'
import { RepositoryBody, RepositoryChangesBody, RepositoryView, repositoryView } from './repository.dto.js'
import { RepositoryRow } from './repository.entity.js'

@ApiTags('Content')
@Controller('__api__/v1/content/:guid/repository')
export class RepositoryController {
  constructor(
    private readonly streams: Streams,
    private readonly editing: Editing,
    @InjectRepository(RepositoryRow) private readonly repositories: Repository<RepositoryRow>,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Shows the git repository that a content item is said to come from' })
  @ApiOkResponse({ type: RepositoryView })
  @RequireRole('publisher')
  @NotAudited('read only')
  async get(@Param('guid', GuidPipe) guid: string, @CurrentActor() actor: Actor): Promise<RepositoryView> {
    await this.editing.of(guid, actor)
    return await this.#shown(guid)
  }

  @Put()
  @ApiOperation({ summary: 'Says which git repository the content comes from; nothing is fetched' })
  @ApiOkResponse({ type: RepositoryView })
  @RequireRole('publisher')
  @Audit('repository.set')
  async set(
    @Param('guid', GuidPipe) guid: string,
    @Body() { repository, branch, directory, polling }: RepositoryBody,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<RepositoryView> {
    const { editor } = await this.editing.of(guid, actor)
    const command = { type: 'SetRepository', editor, repository: { repository, branch, directory, polling } } as const
    await this.streams.handle(contentStream, guid, command, context)
    return await this.#shown(guid)
  }

  @Patch()
  @ApiOperation({ summary: 'Changes what is named in the body; the rest stays' })
  @ApiOkResponse({ type: RepositoryView })
  @RequireRole('publisher')
  @Audit('repository.change')
  async change(
    @Param('guid', GuidPipe) guid: string,
    @Body() { repository, branch, directory, polling }: RepositoryChangesBody,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<RepositoryView> {
    const { editor } = await this.editing.of(guid, actor)
    const changes = {
      ...(repository !== undefined && { repository }),
      ...(branch !== undefined && { branch }),
      ...(directory !== undefined && { directory }),
      ...(polling !== undefined && { polling }),
    }
    await this.streams.handle(contentStream, guid, { type: 'ChangeRepository', editor, changes }, context)
    return await this.#shown(guid)
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({ summary: 'Forgets the git repository; the content takes bundles again' })
  @ApiNoContentResponse()
  @RequireRole('publisher')
  @Audit('repository.remove')
  async remove(
    @Param('guid', GuidPipe) guid: string,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<void> {
    const { editor } = await this.editing.of(guid, actor)
    await this.streams.handle(contentStream, guid, { type: 'RemoveRepository', editor }, context)
  }

  async #shown(contentGuid: string): Promise<RepositoryView> {
    const row = await this.repositories.findOneBy({ contentGuid })
    if (row) return repositoryView(row)
    throw noRepository()
  }
}
