import { Controller, Get } from '@nestjs/common'
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger'
import { mustBePerson, type Actor } from '#libs/contracts'
import { CurrentActor, NotAudited, RequireRole } from '#libs/service'
import { MeView, userView } from './user.dto.js'
import { UserQueries } from './user.queries.js'

@ApiTags('Users')
@Controller('__api__/me')
export class MeController {
  constructor(private readonly users: UserQueries) {}

  @Get()
  @ApiOperation({ summary: 'Shows the caller, for older clients' })
  @ApiOkResponse({ type: MeView })
  @RequireRole('viewer')
  @NotAudited('read only')
  async me(@CurrentActor() actor: Actor): Promise<MeView> {
    const user = await this.users.get(mustBePerson(actor).guid)
    return { ...userView(user, actor, false), privileges: [], preferences: {} }
  }
}
