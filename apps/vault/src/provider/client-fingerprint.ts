import { createHash } from 'node:crypto'
import type { IntegrationState } from '#libs/contracts'

/**
 * Which client at which provider an integration is: changes with our registration there and with every address that a
 * token is sent to. What was given to one is never shown to another.
 */
export const clientFingerprint = ({ authorization_server: server, client }: IntegrationState): string =>
  createHash('sha256')
    .update(
      JSON.stringify([
        server?.issuer ?? null,
        server?.token_endpoint ?? null,
        server?.revocation_endpoint ?? null,
        client?.client_id ?? null,
      ]),
    )
    .digest('base64url')

/** The state of an integration that a token is of: the present one, or a former one that was kept for it. */
export const stateOf = (
  fingerprint: string | null | undefined,
  ...states: readonly (IntegrationState | null | undefined)[]
): IntegrationState | undefined =>
  states.find((state) => state && clientFingerprint(state) === fingerprint) ?? undefined
