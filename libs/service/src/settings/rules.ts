import { AuthenticationSettings } from './sections/authentication.js'
import { DevelopmentSettings } from './sections/development.js'
import { ExchangeSettings } from './sections/exchange.js'
import { OAuth2Settings } from './sections/oauth2.js'
import { ServerSettings } from './sections/server.js'
import type { SectionClass } from './setting.js'

/** Something that must not be, over more than one setting. */
export interface SettingsRule {
  /** The rule is asked only if each of these sections is sound in itself. */
  readonly over: readonly SectionClass[]
  /** `Section.Setting`; the first one is named in the fault. */
  readonly settings: readonly string[]
  readonly bad: (get: <T extends object>(section: SectionClass<T>) => T) => boolean
  readonly message: string
}

const LOGIN = [AuthenticationSettings, OAuth2Settings]
const ADDRESSES = [ServerSettings, DevelopmentSettings]
const ISSUER = [OAuth2Settings, DevelopmentSettings]

export const SETTINGS_RULES: readonly SettingsRule[] = [
  {
    over: LOGIN,
    settings: ['OAuth2.ClientId'],
    bad: (get) => byOAuth2(get(AuthenticationSettings)) && get(OAuth2Settings).clientId === undefined,
    message: 'is missing; Authentication.Provider = oauth2 needs it',
  },
  {
    over: LOGIN,
    settings: ['OAuth2.ClientSecret', 'OAuth2.ClientSecretFile'],
    bad: (get) => {
      const { clientSecret, clientSecretFile } = get(OAuth2Settings)
      return byOAuth2(get(AuthenticationSettings)) && clientSecret === undefined && clientSecretFile === undefined
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
    over: ADDRESSES,
    settings: ['Development.Loopback', 'Server.Address'],
    bad: (get) => get(DevelopmentSettings).loopback && !isLoopback(get(ServerSettings).url.hostname),
    message: 'is permitted only when Server.Address is a loopback address',
  },
  {
    over: ADDRESSES,
    settings: ['Server.Address'],
    bad: (get) => isPlain(get(ServerSettings).address) && !get(DevelopmentSettings).loopback,
    message: 'must be https; http is permitted by Development.Loopback only',
  },
  {
    over: ISSUER,
    settings: ['OAuth2.OpenIDConnectIssuer'],
    bad: (get) => isPlain(get(OAuth2Settings).openIDConnectIssuer) && !get(DevelopmentSettings).loopback,
    message: 'must be https; http is permitted by Development.Loopback only',
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
    bad: (get: <T extends object>(section: SectionClass<T>) => T) =>
      get(ExchangeSettings)[shorter] >= get(ExchangeSettings)[longer],
    message: `must be shorter than Exchange.${next}`,
  })),
]

const byOAuth2 = ({ provider }: AuthenticationSettings): boolean => provider === 'oauth2'

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
