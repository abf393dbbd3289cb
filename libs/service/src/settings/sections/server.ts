import { IsNotEmpty, IsOptional, Matches } from 'class-validator'
import { IsHttpUrl } from '../is-http-url.js'
import { DEFAULT_SECRET_KEY_FILE } from '../secret-key.js'
import { Section, Setting } from '../setting.js'

@Section('Server', 'The server as its users see it.')
export class ServerSettings {
  /** As written; without it `http://localhost` and the port of `HTTP.Listen`. */
  @Setting(
    'string',
    'Public address of the server, with a path if it lives under one. Every absolute URL is built from it. Without it the server is for this machine only: http://localhost and the port of HTTP.Listen.',
  )
  @IsOptional()
  @IsHttpUrl('must be an http or https URL without user, query and fragment')
  address: string

  @Setting('bool', 'Whether only administrators see the e-mail addresses of others.')
  hideEmailAddresses = false

  /** Absolute once it is read. */
  @Setting(
    'string',
    'File with the key that opens encrypted settings, mode 0600; a relative path starts at the folder of this file.',
  )
  @IsNotEmpty()
  secretKeyFile = DEFAULT_SECRET_KEY_FILE

  /** What there is here (service accounts, several associations, audiences) is in this one; lock files are in later ones. */
  @Setting(
    'string',
    'Version of the Connect API that clients are told: they use by it what there is in that version, and nothing newer.',
  )
  @Matches(/^\d{1,9}(\.\d{1,9}){2}$/, { message: 'must be three numbers with dots between, such as 2025.09.1' })
  apiVersion = '2025.09.1'

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
