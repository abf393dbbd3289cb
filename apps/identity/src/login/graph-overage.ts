import { Inject, Injectable, Logger } from '@nestjs/common'
import type { Secret } from '#libs/contracts'
import { Outbound, OutboundError } from '#libs/oauth'
import { GroupOverage } from './group-overage.js'
import { VENDOR_ADDRESSES, type VendorAddresses } from './vendor-addresses.js'
import type { VerifiedLogin } from './verified-login.js'

const DEADLINE_MS = 5_000
/** As many as a login takes from a claim. */
const MOST_GROUPS = 2000
const LONGEST = 255

/**
 * Asks Microsoft Graph for the groups of whoever logs in at Entra, with the person's own token. Never at the address
 * that a token names: that one comes from outside, and may still be the retired directory's.
 * @see https://learn.microsoft.com/graph/api/directoryobject-getmemberobjects
 */
@Injectable()
export class GraphOverage extends GroupOverage {
  readonly #logger = new Logger(GraphOverage.name)

  constructor(
    private readonly outbound: Outbound,
    @Inject(VENDOR_ADDRESSES) private readonly vendors: VendorAddresses,
  ) {
    super()
  }

  async heal({ issuer, accessToken }: VerifiedLogin): Promise<readonly string[] | undefined> {
    if (!accessToken || !this.#isEntra(issuer)) return undefined
    try {
      return await this.#groups(accessToken)
    } catch (error) {
      if (!(error instanceof OutboundError || error instanceof Unusable)) throw error
      this.#logger.warn({ reason: error.message }, 'Microsoft Graph did not tell the groups of a login')
      return undefined
    }
  }

  #isEntra(issuer: string): boolean {
    return URL.canParse(issuer) && new URL(issuer).origin === this.vendors.entra
  }

  /** Security groups, nested ones too. @throws OutboundError, Unusable */
  async #groups(accessToken: Secret): Promise<readonly string[]> {
    const { status, body } = await this.outbound.request({
      method: 'POST',
      url: `${this.vendors.graph}/v1.0/me/getMemberObjects`,
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        authorization: `Bearer ${accessToken.reveal()}`,
      },
      body: JSON.stringify({ securityEnabledOnly: true }),
      deadlineMs: DEADLINE_MS,
    })
    if (status !== 200) throw new Unusable(`it answers ${status}`)
    const answer = parsed(body)
    const groups = answer?.['value']
    if (!Array.isArray(groups) || !groups.every(isId)) throw new Unusable('its answer is no list of IDs')
    // A part of the groups would end memberships that still stand.
    if (answer && '@odata.nextLink' in answer) throw new Unusable('its answer is not whole')
    if (groups.length > MOST_GROUPS) throw new Unusable(`its answer has more than ${MOST_GROUPS} groups`)
    return groups
  }
}

/** An answer that is none; the message holds nothing of it. */
class Unusable extends Error {}

const isId = (value: unknown): value is string => typeof value === 'string' && value !== '' && value.length <= LONGEST

function parsed(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
