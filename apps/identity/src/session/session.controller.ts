import { Controller, Delete, HttpCode, Param } from '@nestjs/common'
import { ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger'
import { DomainError, mustBePerson, type Actor } from '#libs/contracts'
import { Audit, CurrentActor, GuidPipe, RequireRole } from '#libs/service'
import { UserQueries } from '../user/user.queries.js'
import { Sessions } from './sessions.js'

/** A person's browser sessions, all at once. */
@ApiTags('Users')
@Controller('__api__/v1/users')
export class SessionController {
  constructor(
    private readonly sessions: Sessions,
    private readonly users: UserQueries,
  ) {}

  @Delete(':guid/sessions')
  @HttpCode(204)
  @RequireRole('viewer')
  @Audit('user.log_out')
  @ApiOperation({ summary: 'Ends all browser sessions of a person: one’s own, or anybody’s for an administrator' })
  @ApiNoContentResponse()
  async end(@Param('guid', GuidPipe) guid: string, @CurrentActor() actor: Actor): Promise<void> {
    const person = mustBePerson(actor)
    const own = person.guid === guid
    if (!own && person.role !== 'administrator') {
      throw new DomainError('forbidden', 'permission.denied', 'Only an administrator may end the sessions of others.')
    }
    await this.users.get(guid)
    await this.sessions.endAll(guid, own ? 'logout' : 'administrator', actor)
  }
}
