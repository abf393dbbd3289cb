import { Controller, Get, Param } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import { DataSource } from 'typeorm'
import type { ChangeMessage } from '#libs/contracts'
import { poolOf } from '#libs/event-sourcing'
import { readPublished } from '#libs/messaging'
import { GuidPipe, NotAudited, ServiceOnly } from '#libs/service'
import { sources } from './sources.js'

/** Answers a reader whose copy is old or misses something. */
@ApiExcludeController()
@Controller('internal/published')
export class PublishedController {
  constructor(private readonly dataSource: DataSource) {}

  @Get(':category/:guid')
  @ServiceOnly('vaultReadsIntegrations', 'gatewayReadsIntegrations', 'identityReadsContent')
  @NotAudited('read only')
  read(@Param('category') category: string, @Param('guid', GuidPipe) guid: string): Promise<ChangeMessage> {
    return readPublished(sources, poolOf(this.dataSource), category, guid)
  }
}
