/** Somebody who may use an integration: a person or a group, and not both. */
export interface AccessEntry {
  readonly userGuid: string | null
  readonly groupGuid: string | null
}

/** The same for the same person or group. */
export const principalOf = ({ userGuid, groupGuid }: AccessEntry): string =>
  userGuid === null ? `group ${groupGuid}` : `user ${userGuid}`
