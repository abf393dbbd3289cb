import type { AuthorizationSettings, OAuth2Settings, ServerSettings } from '#libs/service'
import { editability, stricter } from '../user/editability.js'
import { PROHIBITED_USERNAMES } from '../user/username-rules.js'
import type { AuthenticationView, ServerSettingsView } from './server-settings.dto.js'

const NAME = 'Keybearer'

interface Of {
  readonly server: ServerSettings
  readonly oauth2: OAuth2Settings
  readonly authorization: AuthorizationSettings
}

/** What everybody may know: what a login page needs. */
export const publicSettings = ({ oauth2 }: Of): ServerSettingsView => ({
  version: null,
  system_display_name: NAME,
  authentication: LOGIN,
  dashboard_path: '/',
  logout_url: '__logout__',
  self_registration: oauth2.registerOnFirstLogin,
})

/** What those may know who have shown who they are. */
export const serverSettings = (of: Of): ServerSettingsView => ({
  ...publicSettings(of),
  version: of.server.apiVersion,
  hostname: of.server.url.host,
  about: `${NAME}, API version ${of.server.apiVersion}`,
  authentication: { ...LOGIN, ...capabilities(of) },
  license: { status: 'activated', 'oauth-integrations': true },
  oauth_integrations_enabled: true,
  viewers_can_only_see_themselves: of.authorization.viewersCanOnlySeeThemselves,
  prohibited_usernames: PROHIBITED_USERNAMES,
  default_user_role: of.authorization.defaultUserRole,
  runtimes: [],
  git_enabled: false,
  locked_content_enabled: true,
})

const LOGIN: AuthenticationView = {
  name: 'OAuth2',
  handles_credentials: false,
  handles_login: true,
  challenge_response_enabled: false,
  notice: '',
  warning_delay: 0,
}

function capabilities({ oauth2, authorization }: Of): Partial<AuthenticationView> {
  const editable = editability(oauth2, authorization)
  const groups = authorization.userGroups && oauth2.statesGroups
  return {
    API_key_auth: true,
    groups_enabled: authorization.userGroups,
    external_user_data: true,
    external_user_search: oauth2.isGoogle,
    external_user_id: !oauth2.isGoogle,
    external_group_search: false,
    external_group_id: groups && oauth2.groupsByUniqueId,
    external_group_members: groups,
    external_group_owner: groups && oauth2.groupsAutoProvision,
    unique_usernames: oauth2.usernamesAreEditable,
    name_editable_by: stricter(editable.firstName, editable.lastName),
    first_name_editable_by: editable.firstName,
    last_name_editable_by: editable.lastName,
    email_editable_by: editable.email,
    username_editable_by: editable.username,
    role_editable_by: editable.role,
  }
}
