import { contentContract, type ContentState } from '#libs/contracts'
import { publishedSource } from '#libs/messaging'
import { kindOf, type AppMode } from './app-mode.js'

type ContentRow = Omit<ContentState, 'kind' | 'locked' | 'permissions'> & { app_mode: AppMode }

/** A content item's public face, made of rows of its own stream only. */
export const publishedContent = publishedSource<ContentState, ContentRow>(
  contentContract,
  `select guid, owner_guid, name, access_type, app_mode, upstream_url, coalesce((
     select json_agg(json_build_object('oauth_integration_guid', integration_guid, 'auth_type', auth_type) order by position)
     from association where content_guid = guid), '[]') as associations
   from content where guid = $1`,
  ({ app_mode, ...state }) => ({ ...state, kind: kindOf(app_mode), locked: false, permissions: [] }),
)
