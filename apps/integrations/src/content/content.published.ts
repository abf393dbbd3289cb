import { contentContract, type ContentState } from '#libs/contracts'
import { publishedSource } from '#libs/messaging'
import { kindOf, type AppMode } from './app-mode.js'

type ContentRow = Omit<ContentState, 'kind'> & { app_mode: AppMode }

/** A content item's public face, made of rows of its own stream only. */
export const publishedContent = publishedSource<ContentState, ContentRow>(
  contentContract,
  `select guid, owner_guid, name, access_type, app_mode, upstream_url, vanity_path, locked, locked_message, coalesce((
     select json_agg(json_build_object('principal_guid', principal_guid, 'principal_type', principal_type,
       'role', role) order by position)
     from permission where content_guid = guid), '[]') as permissions, coalesce((
     select json_agg(json_build_object('guid', share_link.guid, 'token_hash', token_hash, 'expires_at', expires_at)
       order by share_link.position)
     from share_link where content_guid = content.guid), '[]') as share_links, coalesce((
     select json_agg(json_build_object('oauth_integration_guid', integration_guid, 'auth_type', auth_type) order by position)
     from association where content_guid = guid), '[]') as associations
   from content where guid = $1`,
  ({ app_mode, ...state }) => ({ ...state, kind: kindOf(app_mode) }),
)
