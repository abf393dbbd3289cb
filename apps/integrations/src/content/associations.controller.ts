import { Body, Controller, Get, HttpCode, Param, Put } from '@nestjs/common'
import { ApiBody, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger'
import { mustBePerson, type Actor } from '#libs/contracts'
import { Streams } from '#libs/event-sourcing'
import {
  ArrayBodyPipe,
  Audit,
  Command,
  createdGuid,
  CurrentActor,
  GuidPipe,
  NotAudited,
  RequireRole,
  type CommandContext,
} from '#libs/service'
import { IntegrationAccess } from '../integration/integration-access.js'
import { IntegrationQueries } from '../integration/integration.queries.js'
import { AssociationBody, associationView, AssociationView, MOST_ASSOCIATIONS } from './association.dto.js'
import { ContentQueries } from './content.queries.js'
import { contentStream } from './content.stream.js'
import { Editing } from './editing.js'

@ApiTags('OAuth integrations of content')
@Controller('__api__/v1/content/:guid/oauth/integrations/associations')
export class AssociationsController {
  constructor(
    private readonly streams: Streams,
    private readonly contents: ContentQueries,
    private readonly editing: Editing,
    private readonly integrations: IntegrationQueries,
    private readonly access: IntegrationAccess,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Lists the integrations that a content item may use' })
  @ApiOkResponse({ type: [AssociationView] })
  @RequireRole('viewer')
  @NotAudited('read only')
  async list(@Param('guid', GuidPipe) guid: string, @CurrentActor() actor: Actor): Promise<AssociationView[]> {
    await this.contents.visible(guid, mustBePerson(actor))
    const associations = await this.contents.associationsOf(guid)
    const integrations = await this.integrations.byGuid(associations.map(({ integrationGuid }) => integrationGuid))
    // One whose integration is just being deleted is as good as gone.
    return associations.flatMap((association) => {
      const integration = integrations.get(association.integrationGuid)
      return integration ? [associationView(association, integration)] : []
    })
  }

  @Put()
  @HttpCode(204)
  @ApiOperation({ summary: 'Replaces the whole list; an empty one clears it' })
  @ApiBody({ type: [AssociationBody] })
  @ApiNoContentResponse()
  @RequireRole('publisher')
  @Audit('association.set')
  async set(
    @Param('guid', GuidPipe) guid: string,
    @Body(new ArrayBodyPipe(AssociationBody, MOST_ASSOCIATIONS, 'association.invalid')) body: AssociationBody[],
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<void> {
    const guids = body.map((entry) => entry.oauth_integration_guid)
    // A repeat is answered as the first time, whatever has become of the integrations and of who may use them.
    if (await this.streams.former(contentStream, guid, context)) return await this.#dropDeleted(guid, guids, context)
    const { editor } = await this.editing.of(guid, actor)
    const integrations = await this.access.candidates(guids, editor)
    const command = { type: 'SetAssociations', editor, integrations } as const
    await this.streams.handle(contentStream, guid, command, context)
    await this.#dropDeleted(guid, guids, context)
  }

  /** Of integrations that were deleted meanwhile: whoever deleted them may have looked before these were associated. */
  async #dropDeleted(guid: string, integrationGuids: readonly string[], context: CommandContext): Promise<void> {
    const alive = await this.integrations.byGuid(integrationGuids)
    for (const integrationGuid of integrationGuids.filter((each) => !alive.has(each))) {
      const commandId = createdGuid(context.commandId, `drop ${integrationGuid}`)
      const command = { type: 'DropIntegration', integrationGuid } as const
      await this.streams.handle(contentStream, guid, command, { ...context, commandId })
    }
  }
}
