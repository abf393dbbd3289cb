import { REQUESTED_TOKEN_TYPE, type Role } from '#libs/contracts'
import { defineTemplate } from './define-template.js'
import { choice } from './fields.js'

const ROLE: Readonly<Record<string, Role>> = { Viewer: 'viewer', Publisher: 'publisher', Admin: 'administrator' }

/** The API of this server itself, as the visitor: nothing outside the house is asked. */
export const connect = defineTemplate({
  id: 'connect',
  displayName: 'Connect',
  description: 'The API of this server, with a short-lived key that acts as the visitor.',
  authTypes: { 'Visitor API Key': null },
  fields: {
    max_role: choice(['Viewer', 'Publisher', 'Admin'], {
      label: 'Highest role',
      description: 'The most that a key may do. Visitors of a lower role get keys of their own role.',
      required: true,
    }),
  },
  authorizationServer: () => null,
  issues: ({ max_role }) => ({ type: REQUESTED_TOKEN_TYPE.apiKey, max_role: ROLE[String(max_role)]! }),
})
