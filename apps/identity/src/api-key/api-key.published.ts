import { apiKeyContract } from '#libs/contracts'
import { publishedSource } from '#libs/messaging'

/** Without the hash: nobody else checks keys. */
export const publishedApiKeys = publishedSource(
  apiKeyContract,
  `select guid, user_guid, role as user_role, content_guid,
     to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as expires_at
   from api_key where guid = $1`,
)
