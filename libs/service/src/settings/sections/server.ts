import { IsNotEmpty, IsUrl } from 'class-validator'
import { Section, Setting } from '../setting.js'

@Section('Server', 'The server as its users see it.')
export class ServerSettings {
  @Setting(
    'string',
    'Public address of the server, with a path if it lives under one. Every absolute URL is built from it.',
  )
  @IsUrl(
    {
      protocols: ['http', 'https'],
      require_protocol: true,
      require_tld: false,
      disallow_auth: true,
      allow_query_components: false,
      allow_fragments: false,
    },
    { message: 'must be an http or https URL without user, query and fragment' },
  )
  address: string

  @Setting('bool', 'Whether only administrators see the e-mail addresses of others.')
  hideEmailAddresses = false

  @Setting(
    'string',
    'File with the key that opens encrypted settings, mode 0600; a relative path starts at the folder of this file.',
  )
  @IsNotEmpty()
  secretKeyFile = 'secret.key'

  /** `Address` as a URL. */
  get url(): URL {
    return new URL(this.address)
  }

  get origin(): string {
    return this.url.origin
  }

  /** The path of `Address` without a trailing slash; empty without one. */
  get prefix(): string {
    return this.url.pathname.replace(/\/+$/, '')
  }

  /** @param path begins with a slash and knows nothing of a prefix */
  urlOf(path: string): string {
    return `${this.address.replace(/\/+$/, '')}${path}`
  }
}
