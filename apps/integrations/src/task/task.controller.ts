import { Controller, Get, Param } from '@nestjs/common'
import { ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger'
import { Pool } from 'pg'
import { DomainError, isGuid, type Actor } from '#libs/contracts'
import { sql } from '#libs/event-sourcing'
import { CurrentActor, NotAudited, RequireRole } from '#libs/service'
import { Editing } from '../content/editing.js'

/** A deployment. Content is registered and not run, so it is finished before anybody can ask. */
class TaskView {
  @ApiProperty({ description: 'The task.' })
  id: string

  @ApiProperty({ description: 'Always empty.', type: [String] })
  output: string[]

  @ApiProperty({ description: 'Always null.', nullable: true, type: Object })
  result: null

  @ApiProperty({ description: 'Always true.' })
  finished: boolean

  @ApiProperty({ description: 'Always 0.' })
  code: number

  @ApiProperty({ description: 'Always empty.' })
  error: string

  @ApiProperty({ description: 'Always 1.' })
  last: number
}

@ApiTags('Bundles')
@Controller('__api__/v1/tasks')
export class TaskController {
  constructor(
    private readonly pool: Pool,
    private readonly editing: Editing,
  ) {}

  @Get(':id')
  @ApiOperation({ summary: 'Shows how far a deployment is; `wait` and `first` mean nothing, since it is finished' })
  @ApiOkResponse({ type: TaskView })
  @RequireRole('publisher')
  @NotAudited('read only')
  async get(@Param('id') id: string, @CurrentActor() actor: Actor): Promise<TaskView> {
    const contentGuid = await this.#contentOf(id)
    if (contentGuid === undefined) throw noTask()
    await this.editing.of(contentGuid, actor).catch((error: unknown) => {
      throw error instanceof DomainError && error.kind === 'not_found' ? noTask() : error
    })
    return { id: id.toLowerCase(), output: [], result: null, finished: true, code: 0, error: '', last: 1 }
  }

  async #contentOf(id: string): Promise<string | undefined> {
    if (!isGuid(id.toLowerCase())) return undefined
    const { rows } = await this.pool.query<{ contentGuid: string }>(sql`
      select content_guid as "contentGuid" from task where guid = ${id}`)
    return rows[0]?.contentGuid
  }
}

const noTask = (): DomainError => new DomainError('not_found', 'task.not_found', 'This task does not exist.')
