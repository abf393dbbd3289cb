import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import { DomainError } from '#libs/contracts'
import { Streams } from '#libs/event-sourcing'
import { Audit, Command, GuidPipe, IsGuid, NotAudited, ServiceOnly, type CommandContext } from '#libs/service'
import type { Content } from './content.entity.js'
import { takeName } from './content.names.js'
import { ContentQueries } from './content.queries.js'
import { contentStream } from './content.stream.js'

class TransferBody {
  @IsGuid()
  target_guid: string
}

interface OwnedContent {
  readonly content: readonly { readonly guid: string; readonly name: string; readonly title: string | null }[]
}

/** What identity asks before it deletes somebody, and lets happen when their things are given to another. */
@ApiExcludeController()
@Controller('internal/owners')
export class OwnersController {
  constructor(
    private readonly streams: Streams,
    private readonly contents: ContentQueries,
  ) {}

  @Get(':guid/content')
  @ServiceOnly('ownedContent')
  @NotAudited('read only')
  async list(@Param('guid', GuidPipe) ownerGuid: string): Promise<OwnedContent> {
    return shown(await this.contents.list({ ownerGuid }))
  }

  /** Interrupted, it goes on where it stopped when it is asked again. */
  @Post(':guid/content-transfer')
  @HttpCode(200)
  @ServiceOnly('transferContent')
  @Audit('content.transfer')
  async transfer(
    @Param('guid', GuidPipe) ownerGuid: string,
    @Body() { target_guid: target }: TransferBody,
    @Command() context: CommandContext,
  ): Promise<OwnedContent> {
    const contents = await this.contents.list({ ownerGuid })
    if (target === ownerGuid) return shown([])
    const taken = new Set((await this.contents.list({ ownerGuid: target })).map(({ name }) => name))
    const twice = contents.filter(({ name }) => taken.has(name))
    if (twice.length > 0) throw namesTaken(twice)
    for (const { guid, name } of contents) {
      await this.streams.handle(contentStream, guid, { type: 'GiveContent', ownerGuid: target }, context, {
        record: (client) => takeName(client, guid, target, name),
      })
    }
    return shown(contents)
  }
}

const shown = (contents: readonly Content[]): OwnedContent => ({
  content: contents.map(({ guid, name, title }) => ({ guid, name, title })),
})

const namesTaken = (contents: readonly Content[]): DomainError =>
  new DomainError(
    'conflict',
    'content.name_taken',
    `Both own content of the same name (${contents.map(({ name }) => name).join(', ')}): rename one of each first.`,
    { payload: { content_guids: contents.map(({ guid }) => guid) } },
  )
