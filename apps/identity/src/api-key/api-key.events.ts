import type { Role } from '#libs/contracts'

/** Everything that can have happened to an API key. Append-only: add an event or a version, never edit one. */
export type ApiKeyEvent =
  | {
      type: 'ApiKeyCreated'
      data: {
        userGuid: string
        name: string
        role: Role
        /** RFC 3339; `null`: until it is deleted. */
        expiresAt: string | null
        /** `null`: a personal key. */
        contentGuid: string | null
      }
    }
  | { type: 'ApiKeyDeleted'; data: Record<string, never> }
