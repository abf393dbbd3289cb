import { Logger } from '@nestjs/common'
import { v5 as uuidV5 } from 'uuid'
import type { IntegrationState, Secret } from '#libs/contracts'
import { sql, type CommandContext, type SqlClient, type Streams } from '#libs/event-sourcing'
import type { RevocationReason } from '../grant/grant.events.js'
import { grantStream, subjectPlace, tokenPlace } from '../grant/grant.stream.js'
import { stateOf } from '../provider/client-fingerprint.js'
import { isTampered, placeName, type Safe } from '../safe/index.js'
import { hintOf, owe } from './owed-revocations.js'

const OWED = 'd7f9a3c4-0b0e-4b58-9a53-6f3f0e6b9c21'

interface Row {
  user_guid: string
  generation: number
  client: string | null
  present: IntegrationState | null
  former: IntegrationState | null
  access: Buffer | null
  refresh: Buffer | null
}

/**
 * Ends a grant: from the commit on nobody gets its tokens. They are destroyed here, but for one that the provider is
 * still to be told of, if it can be told.
 * @param generation ends it only while it has this token set; any if absent
 * @returns whether there was a grant to end
 * @throws SafeError `safe.key_missing` when the provider could not be told later; nothing has ended then
 */
export async function endGrant(
  { streams, safe }: { readonly streams: Streams; readonly safe: Safe },
  guid: string,
  reason: RevocationReason,
  context: CommandContext,
  generation?: number,
): Promise<boolean> {
  const command = { type: 'RevokeGrant', reason, ...(generation !== undefined && { generation }) } as const
  const { events, repeated } = await streams.handle(grantStream, guid, command, context, {
    record: async (client) => {
      await oweTokenOf(safe, client, guid)
      const tokens = (['access_token', 'refresh_token', 'id_token'] as const).map((token) => tokenPlace(guid, token))
      for (const place of [...tokens, subjectPlace(guid)]) await safe.destroy(client, place)
    },
  })
  return events.length > 0 && !repeated
}

async function oweTokenOf(safe: Safe, client: SqlClient, guid: string): Promise<void> {
  const { rows } = await client.query<Row>(sql`
    select user_guid, oauth_grant.generation, oauth_grant.client,
      replica.state as present, former_integration.state as former,
      access.envelope as access, refresh.envelope as refresh
    from oauth_grant
    left join replica on kind = 'integration' and replica.guid = integration_guid
    left join former_integration on former_integration.guid = integration_guid
      and former_integration.client = oauth_grant.client
    left join safe as access on access.place = ${placeName(tokenPlace(guid, 'access_token'))}
      and access.generation = oauth_grant.generation
    left join safe as refresh on refresh.place = ${placeName(tokenPlace(guid, 'refresh_token'))}
      and refresh.generation = oauth_grant.generation
    where oauth_grant.guid = ${guid}`)
  const [row] = rows
  if (!row) return
  // Only whoever gave a token hears of its end.
  const integration = stateOf(row.client, row.present, row.former)
  if (!integration?.authorization_server?.revocation_endpoint) return
  const { user_guid, generation, access, refresh } = row
  const hint = hintOf(integration.quirks, refresh !== null)
  const envelope = hint === 'refresh_token' ? refresh : access
  if (!envelope) return
  let token: Secret
  try {
    token = await safe.openEnvelope(envelope, tokenPlace(guid, hint), generation)
  } catch (error) {
    if (!isTampered(error)) throw error
    new Logger('Revocations').error({ grant: guid }, 'a token does not open: its provider cannot be told of its end')
    return
  }
  const key = uuidV5(`${guid}/${generation}`, OWED)
  await owe(safe, client, key, { integration, userGuid: user_guid, hint, token })
}
