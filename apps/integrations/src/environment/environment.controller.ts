import { Body, Controller, Get, Param, Patch, Put } from '@nestjs/common'
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger'
import { Pool } from 'pg'
import { DomainError, type Actor } from '#libs/contracts'
import { sql, Streams } from '#libs/event-sourcing'
import {
  ArrayBodyPipe,
  Audit,
  Command,
  CurrentActor,
  GuidPipe,
  NotAudited,
  RequireRole,
  type CommandContext,
} from '#libs/service'
import { MOST_VARIABLES } from '../content/belongings.js'
import { contentStream } from '../content/content.stream.js'
import { Editing } from '../content/editing.js'
import { VariableBody } from './environment.dto.js'

/** Of one request, which can set every variable that an item may have and remove as many. */
const MOST_ENTRIES = 2 * MOST_VARIABLES

/**
 * The names of the environment variables of content. Values are secrets of the content, and Keybearer does not run it:
 * they are read from the request and kept nowhere.
 */
@ApiTags('Content')
@Controller('__api__/v1/content/:guid/environment')
export class EnvironmentController {
  constructor(
    private readonly streams: Streams,
    private readonly editing: Editing,
    private readonly pool: Pool,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Lists the names of the environment variables, in order; values are never shown' })
  @ApiOkResponse({ type: [String] })
  @RequireRole('publisher')
  @NotAudited('read only')
  async list(@Param('guid', GuidPipe) guid: string, @CurrentActor() actor: Actor): Promise<string[]> {
    await this.editing.of(guid, actor)
    return await this.#names(guid)
  }

  @Patch()
  @ApiOperation({ summary: 'Adds the variables with a value and removes those whose value is null; the rest stays' })
  @ApiBody({ type: [VariableBody] })
  @ApiOkResponse({ type: [String] })
  @RequireRole('publisher')
  @Audit('environment.change')
  async change(
    @Param('guid', GuidPipe) guid: string,
    @Body(new ArrayBodyPipe(VariableBody, MOST_ENTRIES)) body: VariableBody[],
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<string[]> {
    const { editor } = await this.editing.of(guid, actor)
    const { set, remove } = namesOf(body)
    await this.streams.handle(contentStream, guid, { type: 'ChangeEnvironment', editor, set, remove }, context)
    return await this.#names(guid)
  }

  @Put()
  @ApiOperation({ summary: 'Replaces all variables' })
  @ApiBody({ type: [VariableBody] })
  @ApiOkResponse({ type: [String] })
  @RequireRole('publisher')
  @Audit('environment.replace')
  async replace(
    @Param('guid', GuidPipe) guid: string,
    @Body(new ArrayBodyPipe(VariableBody, MOST_ENTRIES)) body: VariableBody[],
    @CurrentActor() actor: Actor,
    @Command() context: CommandContext,
  ): Promise<string[]> {
    const { editor } = await this.editing.of(guid, actor)
    const { set: names } = namesOf(body)
    await this.streams.handle(contentStream, guid, { type: 'ReplaceEnvironment', editor, names }, context)
    return await this.#names(guid)
  }

  async #names(guid: string): Promise<string[]> {
    const { rows } = await this.pool.query<{ name: string }>(sql`
      select name from environment_variable where content_guid = ${guid} order by name collate "C"`)
    return rows.map(({ name }) => name)
  }
}

function namesOf(variables: readonly VariableBody[]): { set: string[]; remove: string[] } {
  const names = variables.map(({ name }) => name)
  if (new Set(names).size < names.length) {
    throw new DomainError('conflict', 'environment.duplicate', 'An environment variable is named more than once.')
  }
  const hasValue = ({ value }: VariableBody): boolean => value !== null && value !== undefined
  const those = (which: boolean): string[] =>
    variables.filter((variable) => hasValue(variable) === which).map(({ name }) => name)
  return { set: those(true), remove: those(false) }
}
