import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import {
  DomainError,
  type Normalization,
  type OperatorAudit,
  type OperatorGroup,
  type OperatorGroups,
  type OperatorUser,
  type OperatorUsers,
  type Transferred,
} from '#libs/contracts'
import { Audit, Command, GuidPipe, NotAudited, ServiceOnly, type CommandContext } from '#libs/service'
import { cursorOf, placeOf } from '../audit/audit-cursor.js'
import { AuditLog } from '../audit/audit-log.js'
import { Groups } from '../group/groups.js'
import { NormalizeGroups } from '../group/normalize-groups.js'
import { People } from '../user/people.js'
import { ContentOwners } from './content-owners.js'
import {
  AlterGroupBody,
  AlterUserBody,
  GroupsQuery,
  NormalizationBody,
  normalizedGroup,
  OperatorAuditQuery,
  operatorGroupView,
  operatorUserView,
  TransferBody,
  UsersQuery,
} from './operator.dto.js'
import { OperatorQueries, PAGE } from './operator.queries.js'
import { step, Transfer } from './transfer.js'

/**
 * What somebody at the shell may do with the operator's key: more than any administrator, and with the same commands as
 * everybody. Nothing here can be reached through the gateway.
 */
@ApiExcludeController()
@Controller('internal/operator')
export class OperatorController {
  constructor(
    private readonly queries: OperatorQueries,
    private readonly people: People,
    private readonly groups: Groups,
    private readonly normalization: NormalizeGroups,
    private readonly owners: ContentOwners,
    private readonly transfers: Transfer,
    private readonly auditLog: AuditLog,
  ) {}

  @Get('users')
  @ServiceOnly('operatorListsUsers')
  @NotAudited('read only')
  async users(@Query() query: UsersQuery): Promise<OperatorUsers> {
    const { after, username, guid, include_locked: includeLocked } = query
    const rows = await this.queries.users({ after, username, guid, includeLocked })
    return { users: rows.map(operatorUserView), next: nextOf(rows) }
  }

  /** Profile and role are one append, the lock another. */
  @Patch('users/:guid')
  @ServiceOnly('operatorAltersUser')
  @Audit('user.change')
  async alterUser(
    @Param('guid', GuidPipe) guid: string,
    @Body() body: AlterUserBody,
    @Command() context: CommandContext,
  ): Promise<OperatorUser> {
    const { force, locked, user_role: role, unique_id: externalId, username, email } = body
    const { first_name: firstName, last_name: lastName } = body
    const changes = given({ username, firstName, lastName, email, externalId, role })
    if (Object.keys(changes).length > 0) {
      await this.people.change(guid, changes, 'operator', step(context, 'change'), { force })
    }
    if (locked !== undefined) await this.people.lock(guid, locked, 'operator', step(context, 'lock'), { force })
    return this.#user(guid)
  }

  /** Somebody who owns something stays: it would be nobody's. */
  @Delete('users/:guid')
  @HttpCode(204)
  @ServiceOnly('operatorDeletesUser')
  @Audit('user.delete')
  async deleteUser(@Param('guid', GuidPipe) guid: string, @Command() context: CommandContext): Promise<void> {
    await this.#user(guid)
    const content = await this.owners.contentOf(guid)
    if (content.length > 0) {
      throw new DomainError(
        'conflict',
        'user.owns_content',
        `This user owns content (${content.length}): transfer it to somebody else first.`,
        { payload: { content: content.slice(0, MOST_LISTED).map(({ guid }) => guid) } },
      )
    }
    await this.people.delete(guid, context)
  }

  @Post('users/:guid/transfer')
  @HttpCode(200)
  @ServiceOnly('operatorTransfers')
  @Audit('user.transfer')
  transfer(
    @Param('guid', GuidPipe) guid: string,
    @Body() { target_guid: target }: TransferBody,
    @Command() context: CommandContext,
  ): Promise<Transferred> {
    return this.transfers.run(guid, target, context)
  }

  @Get('groups')
  @ServiceOnly('operatorListsGroups')
  @NotAudited('read only')
  async listGroups(@Query() query: GroupsQuery): Promise<OperatorGroups> {
    const { after, name, guid } = query
    const rows = await this.queries.groups({ after, name, guid })
    return { groups: rows.map(operatorGroupView), next: nextOf(rows) }
  }

  @Patch('groups/:guid')
  @ServiceOnly('operatorAltersGroup')
  @Audit('group.change')
  async alterGroup(
    @Param('guid', GuidPipe) guid: string,
    @Body() { name, owner_guid: ownerGuid, unique_id: uniqueId }: AlterGroupBody,
    @Command() context: CommandContext,
  ): Promise<OperatorGroup> {
    await this.groups.change(guid, given({ name, ownerGuid, uniqueId }), 'operator', context)
    const [group] = await this.queries.groups({ after: undefined, name: undefined, guid })
    if (!group) throw new DomainError('not_found', 'group.not_found', 'This group does not exist.')
    return operatorGroupView(group)
  }

  @Delete('groups/:guid')
  @HttpCode(204)
  @ServiceOnly('operatorDeletesGroup')
  @Audit('group.delete')
  deleteGroup(@Param('guid', GuidPipe) guid: string, @Command() context: CommandContext): Promise<void> {
    return this.groups.delete(guid, 'operator', context)
  }

  @Post('groups/normalization')
  @HttpCode(200)
  @ServiceOnly('operatorNormalizesGroups')
  @Audit('group.normalize')
  async normalize(
    @Body() { dry_run: dryRun }: NormalizationBody,
    @Command() context: CommandContext,
  ): Promise<Normalization> {
    const { byUniqueId, changed, attention } = await this.normalization.run(context, { dryRun })
    return {
      by_unique_id: byUniqueId,
      changed: changed.map(normalizedGroup),
      attention: attention.map(normalizedGroup),
    }
  }

  /** Oldest first. */
  @Get('audit-logs')
  @ServiceOnly('operatorReadsAudit')
  @NotAudited('read only')
  async audit(@Query() { since, next }: OperatorAuditQuery): Promise<OperatorAudit> {
    const place = next === undefined ? undefined : placeOf('next', next)
    const { entries, more } = await this.auditLog.page({ limit: PAGE, ascending: true, back: false, place, since })
    const last = entries.at(-1)
    return { results: await this.auditLog.views(entries), next: more && last ? cursorOf(last) : null }
  }

  async #user(guid: string): Promise<OperatorUser> {
    const [user] = await this.queries.users({ guid, includeLocked: true, after: undefined, username: undefined })
    if (!user) throw new DomainError('not_found', 'user.not_found', 'This user does not exist.')
    return operatorUserView(user)
  }
}

const nextOf = (rows: readonly { readonly position: string }[]): string | null =>
  rows.length < PAGE ? null : (rows.at(-1)?.position ?? null)

const MOST_LISTED = 5

/** Without members that are absent: those stay as they are. */
const given = <T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never
