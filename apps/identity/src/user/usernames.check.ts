import { Injectable } from '@nestjs/common'
import { OAuth2Settings } from '#libs/service'
import type { StartupCheck } from '../startup-checks.js'
import { UserQueries } from './user.queries.js'

/**
 * Names that a provider stated may occur twice; once names may be edited they should be unique, and those that are not
 * stay until somebody changes them.
 */
@Injectable()
export class UsernamesCheck implements StartupCheck {
  constructor(
    private readonly users: UserQueries,
    private readonly oauth2: OAuth2Settings,
  ) {}

  async warnings(): Promise<string[]> {
    if (!this.oauth2.usernamesAreEditable) return []
    const count = await this.users.duplicateUsernames()
    if (count === 0) return []
    return [
      `Usernames may be edited (OAuth2.UsernameClaim is blank, or people log in at Google) and so should be unique, ` +
        `but several people share one: there are ${count} such usernames. Change them, for example with ` +
        `\`usermanager alter --users --new-username\`.`,
    ]
  }
}
