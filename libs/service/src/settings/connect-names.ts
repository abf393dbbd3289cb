/**
 * What a settings file of Posit Connect may hold and ours has no use for. Such a line warns and the server starts, so
 * that an existing site can bring its file; any other unknown name stops the start, as it may be a slip of the pen.
 */

/** Sections that only Connect has, with or without a name in quotes. */
const CONNECT_SECTIONS = [
  'Client',
  'CORS',
  'Database',
  'Debug',
  'Git',
  'GitCredential',
  'HTTPRedirect',
  'HTTPS',
  'Jobs',
  'Launcher',
  'LDAP',
  'Licensing',
  'Logging',
  'Metrics',
  'Mount',
  'Nodejs',
  'Packages',
  'PAM',
  'Password',
  'Postgres',
  'ProxyAuth',
  'Python',
  'Quarto',
  'Queue',
  'R',
  'RPackageRepository',
  'Runtime',
  'SAML',
  'Scheduler',
  'SMTP',
  'SQLite',
  'TableauIntegration',
  'TensorFlow',
] as const

/** Sections of which we have a little: all other names in them are Connect's. */
const MOSTLY_CONNECTS = ['Applications'] as const

/** Settings that only Connect has, in sections that both have. */
const CONNECT_SETTINGS: Readonly<Record<string, readonly string[]>> = {
  Server: [
    'AllowConfirmedUsers',
    'CompilationConcurrency',
    'ContentTypeSniffing',
    'CustomHeader',
    'DashboardPath',
    'DatabaseEmailSettings',
    'DataDir',
    'DefaultContentListView',
    'EmailProvider',
    'EmailSubjectPrefix',
    'EmailTo',
    'EnableSitemap',
    'FrameOptionsContent',
    'FrameOptionsDashboard',
    'HideVersion',
    'HideViewerDocumentation',
    'JumpStartEnabled',
    'LandingDir',
    'LoggedInWarning',
    'MailAll',
    'PermissionRequest',
    'ProxyHeaderLogging',
    'PublicWarning',
    'RootRedirect',
    'RVersion',
    'RVersionMatching',
    'RVersionScanning',
    'SenderEmail',
    'SenderEmailDisplayName',
    'ServerName',
    'SourcePackageDir',
    'SubjectPrefix',
    'SystemDisplayName',
    'TempDir',
    'ViewerKiosk',
  ],
  HTTP: ['ForceSecure', 'IdleTimeout', 'NoWarning', 'ReadHeaderTimeout', 'ReadTimeout', 'WriteTimeout'],
  Authentication: [
    'APIKeyAuth',
    'APIKeyBcryptCost',
    'BasicAuth',
    'ChallengeResponseEnabled',
    'CookieSweepDuration',
    'InsecureDefaultUserAPIKey',
    'Name',
    'Notice',
    'WarningDelay',
  ],
  Authorization: ['PublishersCanManageVanities', 'UsersListingMinRole'],
  Bootstrap: ['Enabled', 'SecretKeyFile'],
}

const mostly = new Set<string>(MOSTLY_CONNECTS.map((name) => name.toLowerCase()))
const sections = new Set(CONNECT_SECTIONS.map((name) => name.toLowerCase()))
const settings = new Set(
  Object.entries(CONNECT_SETTINGS).flatMap(([section, names]) =>
    names.map((name) => `${section}.${name}`.toLowerCase()),
  ),
)

/** Whether only Connect has this section. */
export const isConnectSection = (section: string): boolean => sections.has(section.toLowerCase())

/** Whether only Connect has this setting, in a section that both have; of a setting that is none of ours. */
export const isConnectSetting = (section: string, setting: string): boolean =>
  mostly.has(section.toLowerCase()) || settings.has(`${section}.${setting}`.toLowerCase())

/** The names, for the documentation. */
export const CONNECT_NAMES = {
  sections: CONNECT_SECTIONS,
  mostly: MOSTLY_CONNECTS,
  settings: CONNECT_SETTINGS,
} as const
