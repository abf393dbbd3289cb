import { DomainError, isAtLeast, type Role } from '#libs/contracts'
import type { Decider } from '#libs/event-sourcing'
import type { ApiKeyEvent } from './api-key.events.js'

const LONGEST_NAME = 255

export type ApiKeyCommand =
  | {
      type: 'CreateApiKey'
      now: Date
      userGuid: string
      /** What the maker may do just now: the most that the key may be given. */
      ownRole: Role
      name: string
      role: Role
      expiresAt: Date | null
      /** Of the content item that the key is bound to; `null`: a personal key. */
      contentGuid: string | null
    }
  | { type: 'DeleteApiKey' }

export type ApiKey = { readonly status: 'unknown' | 'living' | 'deleted' }

export const apiKeyDecider: Decider<ApiKeyCommand, ApiKeyEvent, ApiKey> = {
  initial: { status: 'unknown' },

  decide(command, state) {
    switch (command.type) {
      case 'CreateApiKey':
        return state.status === 'unknown' ? create(command) : []
      case 'DeleteApiKey':
        if (state.status === 'unknown')
          throw new DomainError('not_found', 'api_key.not_found', 'This API key does not exist.')
        return state.status === 'living' ? [{ type: 'ApiKeyDeleted', data: {} }] : []
    }
  },

  evolve(_state, event) {
    switch (event.type) {
      case 'ApiKeyCreated':
        return { status: 'living' }
      case 'ApiKeyDeleted':
        return { status: 'deleted' }
    }
  },
}

function create(command: Extract<ApiKeyCommand, { type: 'CreateApiKey' }>): ApiKeyEvent[] {
  const { userGuid, role, ownRole, expiresAt, contentGuid, now } = command
  const name = command.name.trim()
  if (name === '' || name.length > LONGEST_NAME) {
    throw new DomainError(
      'invalid',
      'api_key.name_blank',
      `The name of an API key has 1 to ${LONGEST_NAME} characters.`,
    )
  }
  if (!isAtLeast(ownRole, role)) {
    throw new DomainError('invalid', 'api_key.role', 'An API key cannot have a higher role than yours.')
  }
  if (expiresAt && expiresAt <= now) {
    throw new DomainError('invalid', 'request.parameter_invalid', 'The expires_at of an API key is in the future.')
  }
  return [
    {
      type: 'ApiKeyCreated',
      data: { userGuid, name, role, expiresAt: expiresAt?.toISOString() ?? null, contentGuid },
    },
  ]
}
