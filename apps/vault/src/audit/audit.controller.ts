import { Body, Controller, HttpCode, Post } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import type { AuditAnswer } from '#libs/contracts'
import { AuditReader } from '#libs/event-sourcing'
import { AuditQuestionBody, NotAudited, ServiceOnly } from '#libs/service'

/** Says what this service's log knows, for the audit log of the whole house. */
@ApiExcludeController()
@Controller('internal/audit-entries')
export class AuditController {
  constructor(private readonly log: AuditReader) {}

  @Post()
  @HttpCode(200)
  @ServiceOnly('auditOfVault')
  @NotAudited('read only')
  list(@Body() question: AuditQuestionBody): Promise<AuditAnswer> {
    return this.log.answer(question)
  }
}
