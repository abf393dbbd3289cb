import { pipeline } from 'node:stream/promises'
import { Body, Controller, Delete, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common'
import { InjectRepository } from '@nestjs/typeorm'
import {
  ApiBody,
  ApiAcceptedResponse,
  ApiConsumes,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger'
import type { Request, Response } from 'express'
import { Repository } from 'typeorm'
import { DomainError, type Actor } from '#libs/contracts'
import { Streams } from '#libs/event-sourcing'
import {
  Audit,
  Command,
  createdGuid,
  CurrentActor,
  GuidPipe,
  NotAudited,
  RequireRole,
  StreamedBody,
  streamedBody,
  type CommandContext,
} from '#libs/service'
import { contentStream } from '../content/content.stream.js'
import { Editing } from '../content/editing.js'
import { noBundle, nothingToDeploy } from '../content/belongings.js'
import { isId } from '../tag/tag.queries.js'
import { Archives } from './archives.js'
import { Bundle } from './bundle.entity.js'
import { BundleView, bundleView, DeployBody, DeployView } from './bundle.dto.js'
import { Uploads } from './uploads.js'

/** Uploads and deployments, which say what content is: the archive is kept, its manifest read, and nothing is run. */
@ApiTags('Bundles')
@Controller('__api__/v1/content/:guid')
export class BundleController {
  constructor(
    private readonly streams: Streams,
    private readonly editing: Editing,
    private readonly uploads: Uploads,
    private readonly archives: Archives,
    @InjectRepository(Bundle) private readonly bundles: Repository<Bundle>,
  ) {}

  @Get('bundles')
  @ApiOperation({ summary: 'Lists the bundles of a content item, newest first' })
  @ApiOkResponse({ type: [BundleView] })
  @RequireRole('publisher')
  @NotAudited('read only')
  async list(@Param('guid', GuidPipe) contentGuid: string, @CurrentActor() actor: Actor): Promise<BundleView[]> {
    const { content } = await this.editing.of(contentGuid, actor)
    const bundles = await this.bundles.find({ where: { contentGuid }, order: { position: 'desc' } })
    return bundles.map((bundle) => bundleView(bundle, content.bundleId))
  }

  @Post('bundles')
  @HttpCode(200)
  @ApiOperation({ summary: 'Uploads a gzipped tar archive with a manifest.json at its root' })
  @ApiConsumes('application/gzip')
  @ApiBody({ schema: { type: 'string', format: 'binary' } })
  @ApiOkResponse({ type: BundleView })
  @RequireRole('publisher')
  @Audit('bundle.upload')
  @StreamedBody()
  async upload(
    @Param('guid', GuidPipe) contentGuid: string,
    @Req() request: Request,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<BundleView> {
    const { content, editor } = await this.editing.of(contentGuid, actor)
    const { most } = this.uploads
    const tooLarge = `The bundle is larger than ${most} bytes, which is what Content.MaxBundleSize permits.`
    const body = streamedBody(request, { most, tooLarge })
    const { archiveGuid, size, sha256, manifest } = await this.uploads.receive(contentGuid, editor.guid, body)
    const bundleGuid = createdGuid(context.commandId)
    try {
      await this.streams.handle(
        contentStream,
        contentGuid,
        { type: 'UploadBundle', editor, bundleGuid, size, sha256, manifest },
        // What a repeat has to be the same in.
        { ...context, ...(context.requestFingerprint !== undefined && { requestFingerprint: sha256 }) },
        { record: (client) => this.archives.complete(client, archiveGuid, bundleGuid) },
      )
    } finally {
      // Refused, or a repeat: then the bundle has its archive already.
      await this.archives.discard(archiveGuid)
    }
    return bundleView(await this.#bundle({ guid: bundleGuid, contentGuid }), content.bundleId)
  }

  @Get('bundles/:id')
  @ApiOperation({ summary: 'Shows one bundle' })
  @ApiOkResponse({ type: BundleView })
  @RequireRole('publisher')
  @NotAudited('read only')
  async get(
    @Param('guid', GuidPipe) contentGuid: string,
    @Param('id') id: string,
    @CurrentActor() actor: Actor,
  ): Promise<BundleView> {
    const { content } = await this.editing.of(contentGuid, actor)
    return bundleView(await this.#byId(contentGuid, id), content.bundleId)
  }

  @Delete('bundles/:id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Removes a bundle and its archive; not the one that is deployed' })
  @ApiNoContentResponse()
  @RequireRole('publisher')
  @Audit('bundle.delete')
  async delete(
    @Param('guid', GuidPipe) contentGuid: string,
    @Param('id') id: string,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<void> {
    const { editor } = await this.editing.of(contentGuid, actor)
    if (await this.streams.former(contentStream, contentGuid, context)) return
    const { guid: bundleGuid } = await this.#byId(contentGuid, id)
    await this.streams.handle(contentStream, contentGuid, { type: 'DeleteBundle', editor, bundleGuid }, context, {
      record: (client) => this.archives.removeOfBundle(client, bundleGuid),
    })
  }

  @Get('bundles/:id/download')
  @ApiOperation({ summary: 'Gives the archive back as it was uploaded' })
  @ApiProduces('application/gzip')
  @ApiOkResponse({ schema: { type: 'string', format: 'binary' } })
  @RequireRole('publisher')
  @Audit('bundle.download')
  async download(
    @Param('guid', GuidPipe) contentGuid: string,
    @Param('id') id: string,
    @CurrentActor() actor: Actor,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    await this.editing.of(contentGuid, actor)
    const bundle = await this.#byId(contentGuid, id)
    response.writeHead(200, {
      'Content-Type': 'application/gzip',
      'Content-Length': bundle.size,
      'Content-Disposition': `attachment; filename="bundle-${bundle.position}.tar.gz"`,
      'X-Content-Type-Options': 'nosniff',
    })
    if (request.method === 'HEAD') return void response.end()
    // One who goes away in the middle is nobody's failure.
    await pipeline(this.archives.read(bundle.guid), response).catch(() => response.destroy())
  }

  @Post('deploy')
  @HttpCode(202)
  @ApiOperation({ summary: 'Makes a bundle the one that says what the content is; the task is finished at once' })
  @ApiAcceptedResponse({ type: DeployView })
  @RequireRole('publisher')
  @Audit('bundle.deploy')
  async deploy(
    @Param('guid', GuidPipe) contentGuid: string,
    @Body() { bundle_id: id, activate }: DeployBody,
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<DeployView> {
    const { editor } = await this.editing.of(contentGuid, actor)
    if (activate === false) {
      throw new DomainError('invalid', 'request.parameter_invalid', 'There are no drafts: activate must not be false.')
    }
    const bundleGuid = id === undefined ? undefined : (await this.#found(contentGuid, id))?.guid
    if (id !== undefined && bundleGuid === undefined) throw nothingToDeploy()
    const taskGuid = createdGuid(context.commandId)
    await this.streams.handle(
      contentStream,
      contentGuid,
      { type: 'DeployBundle', editor, bundleGuid, taskGuid },
      context,
    )
    return { task_id: taskGuid }
  }

  async #byId(contentGuid: string, id: string): Promise<Bundle> {
    const bundle = await this.#found(contentGuid, id)
    if (!bundle) throw noBundle()
    return bundle
  }

  async #found(contentGuid: string, id: string): Promise<Bundle | null> {
    return isId(id) ? await this.bundles.findOneBy({ contentGuid, position: id }) : null
  }

  async #bundle(where: { guid: string; contentGuid: string }): Promise<Bundle> {
    const bundle = await this.bundles.findOneBy(where)
    if (!bundle) throw noBundle()
    return bundle
  }
}
