import { AuthenticationSettings } from './sections/authentication.js'
import { AuthorizationSettings } from './sections/authorization.js'
import { DevelopmentSettings } from './sections/development.js'
import { ExchangeSettings } from './sections/exchange.js'
import { HttpSettings } from './sections/http.js'
import { OAuth2Settings } from './sections/oauth2.js'
import { SafeSettings } from './sections/safe.js'
import { ServerSettings } from './sections/server.js'
import type { SectionClass } from './setting.js'

/** Something that must not be, or had better not be, over more than one setting. */
export interface SettingsRule {
  /** The rule is asked only if each of these sections is sound in itself. */
  readonly over: readonly SectionClass[]
  /** `Section.Setting`; the first one is named in the fault. */
  readonly settings: readonly string[]
  /** @param given whether a setting, as `Section.Setting`, is in the file or the environment */
  readonly bad: (get: GetSection, given: (setting: string) => boolean) => boolean
  readonly message: string
}

type GetSection = <T extends object>(section: SectionClass<T>) => T

const LOGIN = [AuthenticationSettings, OAuth2Settings]
const ADDRESSES = [ServerSettings, DevelopmentSettings]
const ISSUER = [OAuth2Settings, DevelopmentSettings]
const ROLES = [OAuth2Settings, AuthorizationSettings]
const EVERYONE = [AuthenticationSettings, OAuth2Settings, AuthorizationSettings]

/** What stops the start. */
export const SETTINGS_RULES: readonly SettingsRule[] = [
  {
    over: LOGIN,
    settings: ['OAuth2.ClientId'],
    bad: (get) => byOAuth2(get) && get(OAuth2Settings).clientId === undefined,
    message: 'is missing; Authentication.Provider = oauth2 needs it',
  },
  {
    over: LOGIN,
    settings: ['OAuth2.ClientSecret', 'OAuth2.ClientSecretFile'],
    bad: (get) => {
      const { clientSecret, clientSecretFile } = get(OAuth2Settings)
      return byOAuth2(get) && clientSecret === undefined && clientSecretFile === undefined
    },
    message: 'and OAuth2.ClientSecretFile are both missing; Authentication.Provider = oauth2 needs one of them',
  },
  {
    over: [OAuth2Settings],
    settings: ['OAuth2.ClientSecret', 'OAuth2.ClientSecretFile'],
    bad: (get) => get(OAuth2Settings).clientSecret !== undefined && get(OAuth2Settings).clientSecretFile !== undefined,
    message: 'and OAuth2.ClientSecretFile exclude each other',
  },
  {
    over: [OAuth2Settings],
    settings: ['OAuth2.GroupsByUniqueId', 'OAuth2.GroupsAutoProvision'],
    bad: (get) => get(OAuth2Settings).groupsByUniqueId && get(OAuth2Settings).groupsAutoProvision,
    message: 'and OAuth2.GroupsAutoProvision exclude each other: the groups would have unique IDs for names',
  },
  {
    over: [OAuth2Settings],
    settings: ['OAuth2.RequireUsernameClaim', 'OAuth2.UsernameClaim'],
    bad: (get) => get(OAuth2Settings).requireUsernameClaim && get(OAuth2Settings).usernameClaim === '',
    message: 'is on, but OAuth2.UsernameClaim is empty: nobody could log in',
  },
  {
    over: [AuthorizationSettings],
    settings: ['Authorization.UserRoleMapping', 'Authorization.UserRoleGroupMapping'],
    bad: (get) => get(AuthorizationSettings).userRoleMapping && get(AuthorizationSettings).userRoleGroupMapping,
    message: 'and Authorization.UserRoleGroupMapping exclude each other',
  },
  {
    over: [AuthorizationSettings],
    settings: ['Authorization.UserRoleGroupMapping', 'Authorization.UserGroups'],
    bad: (get) => get(AuthorizationSettings).userRoleGroupMapping && !get(AuthorizationSettings).userGroups,
    message: 'is on, but Authorization.UserGroups is off: no login could change a role, and nobody else may',
  },
  {
    over: ROLES,
    settings: ['Authorization.UserRoleGroupMapping', 'OAuth2.GroupsClaim'],
    bad: (get) => get(AuthorizationSettings).userRoleGroupMapping && get(OAuth2Settings).groupsClaim === '',
    message: 'does not work with groups managed here, as an empty OAuth2.GroupsClaim makes them',
  },
  {
    over: EVERYONE,
    settings: ['Authorization.UserRoleGroupMapping'],
    bad: (get) => byGoogle(get) && get(AuthorizationSettings).userRoleGroupMapping,
    message: 'does not work with Google, where groups are managed here (OAuth2.OpenIDConnectIssuer is missing)',
  },
  {
    over: ADDRESSES,
    settings: ['Development.Loopback', 'Server.Address'],
    bad: (get) => get(DevelopmentSettings).loopback && !isLoopback(get(ServerSettings).url.hostname),
    message: 'is permitted only when Server.Address is a loopback address',
  },
  {
    over: ADDRESSES,
    settings: ['Server.Address'],
    bad: (get, given) =>
      given('Server.Address') && isPlain(get(ServerSettings).address) && !get(DevelopmentSettings).loopback,
    message: 'must be https; http is permitted by Development.Loopback only',
  },
  {
    over: ISSUER,
    settings: ['OAuth2.OpenIDConnectIssuer'],
    bad: (get) => isPlain(get(OAuth2Settings).openIDConnectIssuer) && !get(DevelopmentSettings).loopback,
    message: 'must be https; http is permitted by Development.Loopback only',
  },
  {
    over: [SafeSettings],
    settings: ['Safe.KeyProvider', 'Safe.AwsKmsKey'],
    bad: (get) => get(SafeSettings).keyProvider === 'aws-kms' && get(SafeSettings).awsKmsKey === undefined,
    message: 'is aws-kms, which needs Safe.AwsKmsKey',
  },
  {
    over: [SafeSettings],
    settings: ['Safe.KeyProvider', 'Safe.TransitAddress', 'Safe.TransitKey', 'Safe.TransitTokenFile'],
    bad: (get) => {
      const { keyProvider, transitAddress, transitKey, transitTokenFile } = get(SafeSettings)
      return keyProvider === 'vault-transit' && !(transitAddress && transitKey && transitTokenFile)
    },
    message: 'is vault-transit, which needs Safe.TransitAddress, Safe.TransitKey and Safe.TransitTokenFile',
  },
  {
    over: [SafeSettings, DevelopmentSettings],
    settings: ['Safe.KeyProvider', 'Development.Loopback'],
    bad: (get) => get(SafeSettings).keyProvider === 'environment' && !get(DevelopmentSettings).loopback,
    message: 'is environment, which is for development only: it needs Development.Loopback',
  },
  ...(
    [
      ['tokenRequestTimeoutMs', 'refreshLeaseMs', 'TokenRequestTimeout', 'RefreshLease'],
      ['refreshLeaseMs', 'refreshWaitMs', 'RefreshLease', 'RefreshWait'],
      ['refreshWaitMs', 'routeTimeoutMs', 'RefreshWait', 'RouteTimeout'],
    ] as const
  ).map(([shorter, longer, name, next]) => ({
    over: [ExchangeSettings],
    settings: [`Exchange.${name}`, `Exchange.${next}`],
    bad: (get: GetSection) => get(ExchangeSettings)[shorter] >= get(ExchangeSettings)[longer],
    message: `must be shorter than Exchange.${next}`,
  })),
]

/** What is worth a warning at the start. */
export const SETTINGS_ADVICE: readonly SettingsRule[] = [
  {
    over: [ServerSettings, HttpSettings],
    settings: ['Server.Address'],
    bad: (_, given) => !given('Server.Address'),
    message:
      'is missing: the server can be used from this machine only, at http://localhost and the port of HTTP.Listen',
  },
  {
    over: LOGIN,
    settings: ['Authentication.Provider'],
    bad: (get) => get(AuthenticationSettings).provider === undefined,
    message: 'is missing: nobody can log in; there are bootstrap and API keys only',
  },
  {
    over: LOGIN,
    settings: ['Authentication.Provider', 'OAuth2.ClientId'],
    bad: (get, given) => !given('Authentication.Provider') && byOAuth2(get),
    message: 'is missing; as [OAuth2] names a client or an issuer, oauth2 is meant',
  },
  {
    over: [OAuth2Settings],
    settings: ['OAuth2.OpenIDConnectIssuer'],
    bad: (get) => /[{}<>]/.test(get(OAuth2Settings).openIDConnectIssuer ?? ''),
    message: 'still holds the placeholder of an example: nobody can log in',
  },
  {
    over: [OAuth2Settings],
    settings: ['OAuth2.UniqueIdClaim'],
    bad: (get) => REASSIGNED.test(get(OAuth2Settings).uniqueIdClaim),
    message:
      'names something that may be given to another person, who would then log in as the former one; sub is for good',
  },
  {
    over: EVERYONE,
    settings: ['OAuth2.AllowedDomain'],
    bad: (get) => {
      const { allowedDomain, allowedEmail, registerOnFirstLogin } = get(OAuth2Settings)
      return byGoogle(get) && registerOnFirstLogin && allowedDomain.length === 0 && allowedEmail.length === 0
    },
    message: 'and OAuth2.AllowedEmail are both missing: everybody with a Google account can log in',
  },
  {
    over: EVERYONE,
    settings: ['Authorization.UserInfoEditableBy', 'OAuth2.RegisterOnFirstLogin'],
    bad: (get) =>
      !get(OAuth2Settings).registerOnFirstLogin && get(AuthorizationSettings).userInfoEditableBy !== 'Admin',
    message: 'should be Admin when OAuth2.RegisterOnFirstLogin is off',
  },
  {
    over: EVERYONE,
    settings: ['Authorization.UserGroups', 'OAuth2.GroupsClaim'],
    bad: (get) => !get(AuthorizationSettings).userGroups && byOAuth2(get) && get(OAuth2Settings).statesGroups,
    message: 'is off, so OAuth2.GroupsClaim should be empty ("")',
  },
  {
    over: ROLES,
    settings: ['OAuth2.RoleClaim', 'Authorization.UserRoleGroupMapping'],
    bad: (get) => get(AuthorizationSettings).userRoleGroupMapping && get(OAuth2Settings).roleClaim !== '',
    message: 'is ignored while Authorization.UserRoleGroupMapping is on',
  },
  {
    over: ROLES,
    settings: ['OAuth2.RoleClaim', 'Authorization.UserRoleMapping'],
    bad: (get) => get(AuthorizationSettings).userRoleMapping && get(OAuth2Settings).roleClaim === '',
    message: 'is missing, so that Authorization.UserRoleMapping gives nobody a role',
  },
  {
    over: [AuthorizationSettings],
    settings: [
      'Authorization.UserRoleMapping',
      'Authorization.ViewerRoleMapping',
      'Authorization.PublisherRoleMapping',
      'Authorization.AdministratorRoleMapping',
    ],
    bad: (get) => {
      const roles = get(AuthorizationSettings)
      const lists = [roles.viewerRoleMapping, roles.publisherRoleMapping, roles.administratorRoleMapping]
      return lists.some((list) => list.length > 0) && !roles.rolesAreMapped
    },
    message: 'and Authorization.UserRoleGroupMapping are both off, so that the lists of role mapping have no effect',
  },
  {
    over: LOGIN,
    settings: ['OAuth2.RequireUsernameClaim'],
    bad: (get) => byGoogle(get) && get(OAuth2Settings).requireUsernameClaim,
    message: 'is on, but Google sends no username: nobody can log in',
  },
  ...(['GroupsAutoProvision', 'GroupsByUniqueId', 'GroupsSeparator'] as const).map((name) => ({
    over: LOGIN,
    settings: [`OAuth2.${name}`],
    bad: (get: GetSection) => {
      const { statesGroups, groupsAutoProvision, groupsByUniqueId, groupsSeparator } = get(OAuth2Settings)
      const set = { GroupsAutoProvision: groupsAutoProvision, GroupsByUniqueId: groupsByUniqueId }
      const on = name === 'GroupsSeparator' ? groupsSeparator !== undefined : set[name]
      return on && byOAuth2(get) && !statesGroups
    },
    message: 'has no effect where groups are managed here: with Google, or with an empty OAuth2.GroupsClaim',
  })),
  {
    over: [OAuth2Settings],
    settings: ['OAuth2.UsePKCE'],
    bad: (get) => !get(OAuth2Settings).usePKCE,
    message: 'has no effect: Proof Key for Code Exchange is always used',
  },
  {
    over: [AuthenticationSettings],
    settings: ['Authentication.Inactivity', 'Authentication.Lifetime'],
    bad: (get) => get(AuthenticationSettings).inactivityMs > get(AuthenticationSettings).lifetimeMs,
    message: 'is longer than Authentication.Lifetime and has no effect',
  },
]

/** Claims with addresses and names, which organizations give anew. */
const REASSIGNED = /^(?:email|upn|preferred_username|unique_name|name)$/i

const byOAuth2 = (get: GetSection): boolean => get(AuthenticationSettings).provider === 'oauth2'
const byGoogle = (get: GetSection): boolean => byOAuth2(get) && get(OAuth2Settings).isGoogle

const isPlain = (url: string | undefined): boolean => url !== undefined && new URL(url).protocol === 'http:'

/** Whether a URL's host name means this machine. */
export function isLoopback(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, '')
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '[::1]' ||
    name === '::1' ||
    /^127(?:\.\d{1,3}){3}$/.test(name)
  )
}
