import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import { DomainError } from '#libs/contracts'
import { Streams } from '#libs/event-sourcing'
import { Audit, Command, GuidPipe, IsGuid, NotAudited, ServiceOnly, type CommandContext } from '#libs/service'
import type { Content } from './content.entity.js'
import { takeName } from './content.names.js'
import { ContentQueries } from './content.queries.js'
import { contentStream } from './content.stream.js'
import { PermissionQueries } from './permission.queries.js'
import { Principals } from './principals.js'

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
    private readonly permissions: PermissionQueries,
    private readonly principals: Principals,
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
    for (const { guid } of contents) {
      await this.streams.handle(contentStream, guid, { type: 'GiveContent', ownerGuid: target }, context, {
        record: (client) => takeName(client, guid),
      })
    }
    await this.#transferPermissions(ownerGuid, target, context)
    return shown(contents)
  }

  /** Who may visit or change other people's content hands that on too. */
  async #transferPermissions(from: string, target: string, context: CommandContext): Promise<void> {
    const guids = await this.permissions.contentGuidsOf(from)
    if (guids.length === 0) return
    const to = await this.principals.find(target, 'user')
    for (const guid of guids) {
      await this.streams.handle(contentStream, guid, { type: 'GivePermission', from, to }, context)
    }
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
