import type { VerifiedLogin } from './verified-login.js'

/** Asks the provider itself for the groups of somebody who is in more than fit into a token. */
export abstract class GroupOverage {
  /**
   * Asked only where groups are matched by unique ID, since that is all that the answer holds.
   * @returns unique IDs of all groups; `undefined` when the provider cannot be asked or did not answer
   */
  abstract heal(login: VerifiedLogin): Promise<readonly string[] | undefined>
}
