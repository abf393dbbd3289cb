import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post } from '@nestjs/common'
import {
  ApiBody,
  ApiExtraModels,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger'
import { mustBePerson, type Actor } from '#libs/contracts'
import { Streams } from '#libs/event-sourcing'
import {
  Audit,
  Command,
  createdGuid,
  CurrentActor,
  DevelopmentSettings,
  GuidPipe,
  NotAudited,
  RequireRole,
  type CommandContext,
} from '#libs/service'
import { associationView, AssociationView } from '../content/association.dto.js'
import { ContentQueries } from '../content/content.queries.js'
import { templateById } from '../template/registry.js'
import { ClientSecrets } from './client-secrets.js'
import { IntegrationAccess } from './integration-access.js'
import { IntegrationDeletions } from './integration-deletions.js'
import { accessOf, IntegrationBody, IntegrationView, integrationView, NewIntegrationBody } from './integration.dto.js'
import { IntegrationQueries } from './integration.queries.js'
import { integrationStream } from './integration.stream.js'
import { NewIntegrationPipe, OlderIntegrationBody } from './older-body.js'
import { revise } from './revise.js'
import { Verification } from './verification.js'

@ApiTags('OAuth integrations')
@Controller('__api__/v1/oauth/integrations')
export class IntegrationController {
  constructor(
    private readonly streams: Streams,
    private readonly integrations: IntegrationQueries,
    private readonly access: IntegrationAccess,
    private readonly contents: ContentQueries,
    private readonly clientSecrets: ClientSecrets,
    private readonly verification: Verification,
    private readonly deletions: IntegrationDeletions,
    private readonly development: DevelopmentSettings,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Lists the integrations that the caller may use, oldest first' })
  @ApiOkResponse({ type: [IntegrationView] })
  @RequireRole('publisher')
  @NotAudited('read only')
  async list(@CurrentActor() actor: Actor): Promise<IntegrationView[]> {
    const usable = await this.access.usable(await this.integrations.list(), mustBePerson(actor))
    return usable.map(integrationView)
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({ summary: 'Creates an integration from a template; its secret goes to the vault and nowhere else' })
  @ApiExtraModels(NewIntegrationBody, OlderIntegrationBody)
  @ApiBody({
    description: 'The second shape is the one of before there were templates.',
    schema: { oneOf: [{ $ref: getSchemaPath(NewIntegrationBody) }, { $ref: getSchemaPath(OlderIntegrationBody) }] },
  })
  @ApiOkResponse({ type: IntegrationView })
  @RequireRole('administrator')
  @Audit('integration.create')
  async create(
    @Body(NewIntegrationPipe) body: Readonly<NewIntegrationBody>,
    @Command() context: CommandContext,
  ): Promise<IntegrationView> {
    const guid = createdGuid(context.commandId)
    if (await this.streams.former(integrationStream, guid, context)) {
      return integrationView(await this.integrations.get(guid))
    }
    const template = templateById(body.template)
    const { loopback } = this.development
    const { authType, config, clientSecret } = template.parse(body.config, { loopback })
    const access = accessOf(body.permissions ?? [], context.commandId)
    await this.access.mustExist(access)
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
      access,
    } as const
    await this.streams.handle(integrationStream, guid, command, context)
    return integrationView(await this.integrations.get(guid))
  }

  @Get(':guid')
  @ApiOperation({ summary: 'Shows one integration' })
  @ApiOkResponse({ type: IntegrationView })
  @RequireRole('publisher')
  @NotAudited('read only')
  async get(@Param('guid', GuidPipe) guid: string, @CurrentActor() actor: Actor): Promise<IntegrationView> {
    return integrationView(await this.access.get(guid, mustBePerson(actor)))
  }

  @Patch(':guid')
  @ApiOperation({ summary: 'Changes what is named in the body, in the config field by field; the rest stays' })
  @ApiOkResponse({ type: IntegrationView })
  @RequireRole('administrator')
  @Audit('integration.change')
  async change(
    @Param('guid', GuidPipe) guid: string,
    @Body() { name, description, template, config = {}, permissions }: IntegrationBody,
    @Command() context: CommandContext,
  ): Promise<IntegrationView> {
    if (await this.streams.former(integrationStream, guid, context)) {
      return integrationView(await this.integrations.get(guid))
    }
    const { loopback } = this.development
    // Checked whole before the vault hears of a new secret, and once more against what it is by then.
    const { clientSecret } = revise(await this.integrations.get(guid), { template, config }, { loopback })
    const access = permissions && accessOf(permissions, context.commandId)
    await this.access.mustExist(access ?? [])
    const clientSecretReference = await this.clientSecrets.handOver(guid, clientSecret, context)
    const { client_secret: _, ...withoutSecret } = config
    const command = {
      type: 'ChangeIntegration',
      name,
      description,
      revision: { template, config: clientSecretReference === null ? config : withoutSecret },
      ...(clientSecretReference !== null && { clientSecretReference }),
      access,
      loopback,
    } as const
    await this.streams.handle(integrationStream, guid, command, context)
    return integrationView(await this.integrations.get(guid))
  }

  @Delete(':guid')
  @HttpCode(204)
  @ApiOperation({ summary: 'Removes an integration; its associations go with it' })
  @ApiNoContentResponse()
  @RequireRole('administrator')
  @Audit('integration.delete')
  async delete(@Param('guid', GuidPipe) guid: string, @Command() context: CommandContext): Promise<void> {
    await this.deletions.delete(guid, context)
  }

  @Get(':guid/associations')
  @ApiOperation({ summary: 'Lists the content that an integration is associated with, oldest first' })
  @ApiOkResponse({ type: [AssociationView] })
  @RequireRole('administrator')
  @NotAudited('read only')
  async associations(@Param('guid', GuidPipe) guid: string): Promise<AssociationView[]> {
    const integration = await this.integrations.get(guid)
    const associations = await this.contents.associationsWith(guid)
    return associations.map((association) => associationView(association, integration))
  }

  @Post(':guid/verify')
  @HttpCode(200)
  @ApiOperation({ summary: 'Gets a token of the service account and throws it away: whether its settings are right' })
  @ApiOkResponse({ description: 'A token was had. No body.' })
  @RequireRole('administrator')
  @Audit('integration.verify')
  async verify(@Param('guid', GuidPipe) guid: string, @Command() context: CommandContext): Promise<void> {
    await this.verification.verify(await this.integrations.get(guid), context)
  }
}
