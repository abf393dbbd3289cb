import { IsNotEmpty, IsOptional, IsString, Matches } from 'class-validator'
import { Secret } from '#libs/contracts'
import { IsHttpUrl } from '../is-http-url.js'
import { Section, Setting } from '../setting.js'

const GOOGLE = 'https://accounts.google.com'

@Section('OAuth2', 'Login by OpenID Connect.')
export class OAuth2Settings {
  @Setting('string', 'Identifier of this server at the OpenID provider.')
  @IsOptional()
  @IsNotEmpty()
  clientId?: string

  /** Also holds what `ClientSecretFile` names. */
  @Setting('secret', 'Secret of this server at the OpenID provider. Give this or ClientSecretFile.')
  @IsOptional()
  clientSecret?: Secret

  @Setting(
    'string',
    'File that holds the client secret, mode 0600; a relative path starts at the folder of the settings file.',
  )
  @IsOptional()
  @IsNotEmpty()
  clientSecretFile?: string

  @Setting(
    'string',
    'Issuer of the provider, an https URL; its metadata is at the issuer followed by /.well-known/openid-configuration. Without it the provider is Google.',
  )
  @IsOptional()
  @IsHttpUrl('must be an https URL without user, query and fragment')
  openIDConnectIssuer?: string

  @Setting('string', 'Scope to ask for beside openid, profile and email. Repeat the line for several.', { list: true })
  @Matches(/^[\x21\x23-\x5b\x5d-\x7e]+$/, { each: true, message: 'must be one scope a line, without spaces' })
  customScope: readonly string[] = []

  @Setting('string', 'Domain whose e-mail addresses may log in; without any, and without AllowedEmail, all may.', {
    list: true,
  })
  @IsNotEmpty({ each: true, message: 'must be one domain a line, such as company.com' })
  allowedDomain: readonly string[] = []

  @Setting('string', 'E-mail address that may log in, besides those of AllowedDomain.', { list: true })
  @IsNotEmpty({ each: true, message: 'must be one e-mail address a line' })
  allowedEmail: readonly string[] = []

  @Setting('bool', 'Whether a login makes an account for somebody unknown; else an administrator has to make it first.')
  registerOnFirstLogin = true

  @Setting(
    'bool',
    'Whether a login without a username claim is refused, rather than a username derived from the e-mail.',
  )
  requireUsernameClaim = false

  @Setting('string', 'Claim that identifies a person for good.')
  @IsNotEmpty()
  uniqueIdClaim = 'sub'

  @Setting('string', 'Claim that holds the username; empty: usernames are derived and may be edited.')
  @IsString()
  usernameClaim = 'preferred_username'

  @Setting('string', 'Claim that holds the e-mail address; empty: it may be edited.')
  @IsString()
  emailClaim = 'email'

  @Setting('string', 'Claim that holds the first name; empty: it may be edited.')
  @IsString()
  firstNameClaim = 'given_name'

  @Setting('string', 'Claim that holds the last name; empty: it may be edited.')
  @IsString()
  lastNameClaim = 'family_name'

  @Setting('string', 'Claim that holds the groups; empty: groups are managed here.')
  @IsString()
  groupsClaim = 'groups'

  @Setting('bool', 'Whether a login makes groups that its claim names and that do not exist yet.')
  groupsAutoProvision = false

  @Setting(
    'string',
    'What stands between the groups when the claim is one text, such as "|"; without it that is one group.',
  )
  @IsOptional()
  @IsNotEmpty()
  groupsSeparator?: string

  @Setting('bool', 'Whether groups are matched by the provider’s unique ID rather than by name.')
  groupsByUniqueId = false

  @Setting('string', 'Claim that holds the role, for Authorization.UserRoleMapping; without it no role is read.')
  @IsString()
  roleClaim = ''

  @Setting('bool', 'Whether the names of the claims at each login are logged; their values never are.')
  logging = false

  @Setting('bool', 'Accepted for old files. Proof Key for Code Exchange is always used.')
  usePKCE = true

  /** Whether people log in at Google, which is so when no issuer is set. */
  get isGoogle(): boolean {
    return this.openIDConnectIssuer === undefined
  }

  /** Whether logins tell which groups people are in; else groups are managed here. Google never tells. */
  get statesGroups(): boolean {
    return !this.isGoogle && this.groupsClaim !== ''
  }

  /** Whether usernames are made and edited here; else they are the provider's. Google states none. */
  get usernamesAreEditable(): boolean {
    return this.isGoogle || this.usernameClaim === ''
  }

  /** Who vouches for people: `OpenIDConnectIssuer`, or Google. */
  get issuer(): string {
    return this.openIDConnectIssuer ?? GOOGLE
  }
}
