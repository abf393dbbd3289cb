import { Controller, Get } from '@nestjs/common'
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger'
import { personOf, type Actor } from '#libs/contracts'
import {
  AuthorizationSettings,
  CurrentActor,
  NotAudited,
  OAuth2Settings,
  Public,
  RequireRole,
  ServerSettings,
} from '#libs/service'
import { InstallationsView, ServerSettingsView, TimezoneView } from './server-settings.dto.js'
import { publicSettings, serverSettings } from './server-settings.js'
import { timezonesAt } from './timezones.js'

const RUNTIMES = ['r', 'python', 'quarto', 'tensorflow', 'nodejs']

/** What this server is like, in the words that clients of Connect ask it. */
@ApiTags('Server')
@Controller('__api__')
export class ServerSettingsController {
  constructor(
    private readonly server: ServerSettings,
    private readonly oauth2: OAuth2Settings,
    private readonly authorization: AuthorizationSettings,
  ) {}

  @Get('server_settings')
  @ApiOperation({
    summary: 'Tells what this server can do and who may edit what',
    description: 'Without credentials: what a login page needs. With credentials that are no good: 401.',
  })
  @ApiOkResponse({ type: ServerSettingsView })
  @Public('a login page has to know before anybody is logged in')
  @NotAudited('read only')
  settings(@CurrentActor() actor: Actor): ServerSettingsView {
    const { server, oauth2, authorization } = this
    const of = { server, oauth2, authorization }
    return personOf(actor) ? serverSettings(of) : publicSettings(of)
  }

  @Get(RUNTIMES.map((name) => `v1/server_settings/${name}`))
  @ApiOperation({ summary: 'Lists installations of a runtime: none, since content runs elsewhere' })
  @ApiOkResponse({ type: InstallationsView })
  @RequireRole('publisher')
  @NotAudited('read only')
  installations(): InstallationsView {
    return { installations: [], api_enabled: false }
  }

  @Get('v1/timezones')
  @ApiOperation({ summary: 'Lists time zones' })
  @ApiOkResponse({ type: [TimezoneView] })
  @RequireRole('viewer')
  @NotAudited('read only')
  timezones(): TimezoneView[] {
    return timezonesAt(new Date())
  }

  @Get('server_settings/applications')
  @ApiOperation({ summary: 'Tells what content may be given: how it can be opened to people' })
  @ApiOkResponse({ schema: { type: 'object' } })
  @RequireRole('viewer')
  @NotAudited('read only')
  applications(): object {
    return { access_types: ['all', 'logged_in', 'acl'] }
  }

  @Get(['server_settings/scheduler', 'server_settings/scheduler/:mode'])
  @ApiOperation({ summary: 'Tells how processes of content are run: not at all, since content runs elsewhere' })
  @ApiOkResponse({ schema: { type: 'object' } })
  @RequireRole('viewer')
  @NotAudited('read only')
  scheduler(): object {
    return {}
  }

  @Get('metrics/procs')
  @ApiOperation({ summary: 'Lists processes of content: none, since content runs elsewhere' })
  @ApiOkResponse({ schema: { type: 'object' } })
  @RequireRole('administrator')
  @NotAudited('read only')
  processes(): object {
    return {}
  }
}
