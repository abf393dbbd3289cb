import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common'
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger'
import { Streams } from '#libs/event-sourcing'
import {
  Audit,
  Command,
  createdGuid,
  DevelopmentSettings,
  GuidPipe,
  NotAudited,
  RequireRole,
  type CommandContext,
} from '#libs/service'
import { contentStream } from '../content/content.stream.js'
import { ContentQueries } from '../content/content.queries.js'
import { templateById } from '../template/registry.js'
import { ClientSecrets } from './client-secrets.js'
import { IntegrationView, integrationView, NewIntegrationBody } from './integration.dto.js'
import { IntegrationQueries } from './integration.queries.js'
import { integrationStream } from './integration.stream.js'

@ApiTags('OAuth integrations')
@Controller('__api__/v1/oauth/integrations')
export class IntegrationController {
  constructor(
    private readonly streams: Streams,
    private readonly integrations: IntegrationQueries,
    private readonly contents: ContentQueries,
    private readonly clientSecrets: ClientSecrets,
    private readonly development: DevelopmentSettings,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Lists the integrations, oldest first' })
  @ApiOkResponse({ type: [IntegrationView] })
  @RequireRole('publisher')
  @NotAudited('read only')
  async list(): Promise<IntegrationView[]> {
    return (await this.integrations.list()).map(integrationView)
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({ summary: 'Creates an integration from a template; its secret goes to the vault and nowhere else' })
  @ApiOkResponse({ type: IntegrationView })
  @RequireRole('administrator')
  @Audit('integration.create')
  async create(@Body() body: NewIntegrationBody, @Command() context: CommandContext): Promise<IntegrationView> {
    const guid = createdGuid(context.commandId)
    if (await this.streams.former(integrationStream, guid, context)) {
      return integrationView(await this.integrations.get(guid))
    }
    const template = templateById(body.template)
    const { authType, config, clientSecret } = template.parse(body.config, { loopback: this.development.loopback })
    // Before the event: an integration that nobody can use must not exist.
    const clientSecretReference = await this.clientSecrets.handOver(guid, clientSecret, context)
    const { name = null, description = null } = body
    const command = {
      type: 'CreateIntegration',
      template: template.id,
      authType,
      name,
      description,
      config,
      clientSecretReference,
    } as const
    await this.streams.handle(integrationStream, guid, command, context)
    return integrationView(await this.integrations.get(guid))
  }

  @Get(':guid')
  @ApiOperation({ summary: 'Shows one integration' })
  @ApiOkResponse({ type: IntegrationView })
  @RequireRole('publisher')
  @NotAudited('read only')
  async get(@Param('guid', GuidPipe) guid: string): Promise<IntegrationView> {
    return integrationView(await this.integrations.get(guid))
  }

  @Delete(':guid')
  @HttpCode(204)
  @ApiOperation({ summary: 'Removes an integration; its associations go with it' })
  @ApiNoContentResponse()
  @RequireRole('administrator')
  @Audit('integration.delete')
  async delete(@Param('guid', GuidPipe) guid: string, @Command() context: CommandContext): Promise<void> {
    await this.streams.handle(integrationStream, guid, { type: 'DeleteIntegration' }, context)
    // Other streams follow by commands of their own, which may be repeated; the exchange asks for the integration anyway.
    for (const contentGuid of await this.contents.contentGuidsWith(guid)) {
      await this.streams.handle(contentStream, contentGuid, { type: 'DropIntegration', integrationGuid: guid }, context)
    }
  }
}
