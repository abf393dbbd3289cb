import { Controller, Get, Res } from '@nestjs/common'
import type { Response } from 'express'
import { NotAudited, Open } from '../decorators/route-policy.js'
import { Metrics } from './metrics.js'

@Controller()
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  /** In the text format of Prometheus. */
  @Get('metrics')
  @Open('the scraper has no service token; the listener is internal')
  @NotAudited('read only')
  async read(@Res() response: Response): Promise<void> {
    const text = await this.metrics.registry.metrics()
    response.setHeader('Content-Type', this.metrics.registry.contentType)
    response.send(text)
  }
}
