import { Injectable } from '@nestjs/common'
import { DevelopmentSettings, ServerSettings } from '#libs/service'

/** `Server.Address`, as the gateway needs it. */
@Injectable()
export class PublicAddress {
  readonly url: URL
  /** Its path without a trailing slash; empty without one. */
  readonly prefix: string
  readonly isHttps: boolean
  readonly #anyLoopback: boolean

  constructor({ url, prefix }: ServerSettings, { loopback }: DevelopmentSettings) {
    this.url = url
    this.prefix = prefix
    this.isHttps = url.protocol === 'https:'
    this.#anyLoopback = loopback
  }

  get origin(): string {
    return this.url.origin
  }

  /**
   * Whether a `Host` header means this server: a name that somebody else has given to our address does not. While
   * developing, this machine may be called by any of its own names.
   * @see https://www.rfc-editor.org/rfc/rfc9110#section-7.2
   */
  isMeantBy(host: string | undefined): boolean {
    if (host === this.url.host) return true
    if (host === undefined || !/^[a-z0-9.:[\]_-]+$/i.test(host)) return false
    const meant = URL.parse(`${this.url.protocol}//${host}`)
    return meant !== null && (meant.host === this.url.host || (this.#anyLoopback && isLoopback(meant)))
  }
}

const isLoopback = ({ hostname }: URL): boolean =>
  hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname) || /^(?:.+\.)?localhost$/.test(hostname)
