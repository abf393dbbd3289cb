import { Injectable } from '@nestjs/common'
import { ContentSettings, ServerSettings } from '#libs/service'
import { consentPath } from '../consent/return-place.js'
import type { ExchangePolicy } from './decide.js'

/** What the administrator has set, as the decision wants it. */
@Injectable()
export class PolicyOfSettings implements ExchangePolicy {
  readonly requireContentKeys: boolean
  readonly consentUrl: ExchangePolicy['consentUrl']

  constructor({ requireContentKeys }: ContentSettings, server: ServerSettings) {
    this.requireContentKeys = requireContentKeys
    this.consentUrl = (integrationGuid, contentGuid) => server.urlOf(consentPath(integrationGuid, contentGuid))
  }
}
