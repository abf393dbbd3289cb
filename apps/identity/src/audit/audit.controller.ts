import { Controller, Get, Query } from '@nestjs/common'
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger'
import { AUDIT_ACTIONS } from '#libs/contracts'
import { NotAudited, RequireRole, ServerSettings } from '#libs/service'
import { AuditLog } from './audit-log.js'
import {
  AuditActionView,
  AuditPageView,
  AuditQuery,
  AuditSearchQuery,
  AuditSearchView,
  listingOf,
  pagingOf,
} from './audit.dto.js'
import { AuditQueries } from './audit.queries.js'
import { searchOf } from './search.js'

@ApiTags('Audit')
@Controller('__api__/v1')
@RequireRole('administrator')
@NotAudited('read only')
export class AuditController {
  constructor(
    private readonly log: AuditLog,
    private readonly people: AuditQueries,
    private readonly server: ServerSettings,
  ) {}

  @Get('audit_logs')
  @ApiOperation({ summary: 'Lists what happened in the whole house, in order of time' })
  @ApiOkResponse({ type: AuditPageView })
  async list(@Query() query: AuditQuery): Promise<AuditPageView> {
    const page = await this.log.page(listingOf(query))
    const paging = pagingOf(query, page, this.#urls('/__api__/v1/audit_logs', query))
    return { results: await this.log.views(page.entries), paging }
  }

  @Get('audit/actions')
  @ApiOperation({ summary: 'Lists the actions of the audit log' })
  @ApiOkResponse({ type: [AuditActionView] })
  actions(): AuditActionView[] {
    return Object.entries(AUDIT_ACTIONS).map(([action, description]) => ({ action, description }))
  }

  @Get('search/auditlogs')
  @ApiOperation({ summary: 'Finds what happened in the whole house, the newest first' })
  @ApiOkResponse({ type: AuditSearchView })
  async search(@Query() query: AuditSearchQuery): Promise<AuditSearchView> {
    const search = await searchOf(query.q, this.people)
    const { total = 0, ...page } = await this.log.page({ ...listingOf(query), ...search, count: true })
    const paging = pagingOf(query, page, this.#urls('/__api__/v1/search/auditlogs', query, query.q))
    return { results: await this.log.views(page.entries), paging, total }
  }

  #urls(path: string, { limit, ascOrder }: AuditQuery, q?: string) {
    return (parameter: { next?: string; previous?: string }): string => {
      const common = { limit: `${limit}`, ascOrder: `${ascOrder}`, ...(q !== undefined && { q }) }
      return `${this.server.urlOf(path)}?${new URLSearchParams({ ...common, ...parameter }).toString()}`
    }
  }
}
