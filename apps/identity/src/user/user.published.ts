import { userContract } from '#libs/contracts'
import { publishedSource } from '#libs/messaging'

/** The sessions of a person are part of their state, so that a logout ends what hangs on one without a question. */
export const publishedUsers = publishedSource(
  userContract,
  `select person.guid, username, first_name, last_name, email, role as user_role, locked,
     array(
       select group_guid from membership where user_guid = person.guid order by since_position, group_guid
     ) as group_guids,
     (select coalesce(json_agg(json_build_object(
         'sid', sid,
         'expires_at', to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
       ) order by position), '[]') from session where user_guid = person.guid) as sessions
   from person join profile on profile.user_guid = person.guid and profile.version = person.profile_version
   where person.guid = $1`,
)
