import { Injectable } from '@nestjs/common'
import { ServerSettings } from '#libs/service'

/** `Server.Address`, as the gateway needs it. */
@Injectable()
export class PublicAddress {
  readonly url: URL
  /** Its path without a trailing slash; empty without one. */
  readonly prefix: string
  readonly isHttps: boolean

  constructor({ url }: ServerSettings) {
    this.url = url
    this.prefix = url.pathname.replace(/\/+$/, '')
    this.isHttps = url.protocol === 'https:'
  }

  get origin(): string {
    return this.url.origin
  }
}
