import { Controller, Get, Res } from '@nestjs/common'
import { HealthCheckService, HealthIndicatorService, type HealthCheckResult } from '@nestjs/terminus'
import type { Response } from 'express'
import { NotAudited, Open } from '../decorators/route-policy.js'
import { Readiness } from './readiness.js'

const REASON = 'asked by the launcher and the cluster; the listener is internal'

@Controller()
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly readiness: Readiness,
  ) {}

  /** 200 while the process can answer at all. */
  @Get('livez')
  @Open(REASON)
  @NotAudited('read only')
  live(): { status: 'ok' } {
    return { status: 'ok' }
  }

  /** 200 when every check passes; 503 with the names of those that fail, and from SIGTERM on. */
  @Get('readyz')
  @Open(REASON)
  @NotAudited('read only')
  async ready(@Res({ passthrough: true }) response: Response): Promise<Pick<HealthCheckResult, 'status'>> {
    if (this.readiness.stopping) {
      response.status(503)
      return { status: 'shutting_down' }
    }
    const checks = [...this.readiness.checks].map(([name, check]) => async () => {
      const indicator = this.indicators.check(name)
      try {
        return (await check()) === false ? indicator.down() : indicator.up()
      } catch {
        // The reason may name hosts; it belongs in the log of whoever checks.
        return indicator.down()
      }
    })
    try {
      return await this.health.check(checks)
    } catch (error) {
      response.status(503)
      return (error as { getResponse(): HealthCheckResult }).getResponse()
    }
  }
}
