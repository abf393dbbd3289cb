import { GRANT_TYPE_TOKEN_EXCHANGE, SUBJECT_TOKEN_TYPE } from '#libs/contracts'
import { bundleOf, eventually, manifestFor } from '#libs/testing'
import { type Cast, fresh, newUser } from './cast.js'

/** A request that would do what the operation is for, if its caller may. */
export interface Act {
  /** Behind `/__api__`. */
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

type Acting = (cast: Cast) => Promise<Act> | Act

const at =
  (path: string, body?: unknown): Acting =>
  () => ({ path, ...(body !== undefined && { body }) })

/** On a new content item of `owner`, which `reader` may visit and `collaborator` edit. */
const onContent =
  (rest: string, body?: unknown, more: object = {}): Acting =>
  async (cast) => ({ path: `/v1/content/${await cast.content(more)}${rest}`, ...(body !== undefined && { body }) })

/** As `onContent`, after its owner has done something to it. */
const afterwards =
  (prepare: (cast: Cast, content: string) => Promise<Act>): Acting =>
  async (cast) =>
    prepare(cast, await cast.content())

const onIntegration =
  (rest: string, body?: unknown): Acting =>
  async (cast) => ({
    path: `/v1/oauth/integrations/${await cast.integration()}${rest}`,
    ...(body !== undefined && { body }),
  })

/** On an account that is nobody's of the cast. */
const onUser =
  (rest: string, body?: unknown): Acting =>
  async (cast) => ({ path: `/v1/users/${await cast.user()}${rest}`, ...(body !== undefined && { body }) })

const onOwner =
  (rest: string, body?: unknown): Acting =>
  ({ guids }) => ({ path: `/v1/users/${guids.owner}${rest}`, ...(body !== undefined && { body }) })

const onKey =
  (): Acting =>
  async ({ api, keys, guids }) => {
    const path = `/v1/users/${guids.owner}/keys`
    const { id } = await api.must<{ id: string }>(keys.owner!, 'POST', path, { name: 'to act upon' })
    return { path: `${path}/${id}` }
  }

/** On a new group of the administrator's. */
const onGroup =
  (rest: string, body?: (cast: Cast) => unknown): Acting =>
  async (cast) => ({ path: `/v1/groups/${await cast.group()}${rest}`, ...(body && { body: body(cast) }) })

const onPermission = (body?: unknown): Acting =>
  afterwards(async (cast, content) => {
    const id = await cast.permission(content, cast.guids.viewer, 'viewer')
    return { path: `/v1/content/${content}/permissions/${id}`, ...(body !== undefined && { body }) }
  })

const REPOSITORY = { repository: 'https://git.example/sales', branch: 'main', directory: '.', polling: false }
const VARIABLES = [{ name: 'REGION', value: 'eu' }]

const onTag =
  (rest: string, body?: unknown): Acting =>
  async (cast) => ({ path: `/v1/tags/${await tag(cast)}${rest}`, ...(body !== undefined && { body }) })

/** A category with one tag. @returns the tag's id */
async function tag(cast: Cast): Promise<string> {
  const { id: parent_id } = await cast.must<{ id: string }>('POST', '/v1/tags', { name: fresh('Category') })
  return (await cast.must<{ id: string }>('POST', '/v1/tags', { name: fresh('Tag'), parent_id })).id
}

async function uploaded(cast: Cast, content: string): Promise<string> {
  const path = `/v1/content/${content}/bundles`
  const archive = bundleOf(manifestFor('python-streamlit'))
  const answer = await eventually(async () => {
    const one = await cast.api.call({ key: cast.keys.owner, method: 'POST', path, body: archive, headers: GZIP })
    // Two uploads of one person at once; others of ours are under way.
    return one.status !== 429 && one
  })
  return (answer.json as { id: string }).id
}

const GZIP = { 'content-type': 'application/gzip' }

/** Of every operation of `docs/openapi.json`. */
export const ACTS: Readonly<Record<string, Acting>> = {
  'GET /me': at('/me'),
  'GET /metrics/procs': at('/metrics/procs'),
  'GET /server_settings': at('/server_settings'),
  'GET /server_settings/applications': at('/server_settings/applications'),
  'GET /server_settings/scheduler': at('/server_settings/scheduler'),
  'GET /server_settings/scheduler/{mode}': at('/server_settings/scheduler/shiny'),
  'GET /v1/audit/actions': at('/v1/audit/actions'),
  'GET /v1/audit_logs': at('/v1/audit_logs?limit=5'),
  'GET /v1/search/auditlogs': at('/v1/search/auditlogs?limit=5'),
  'POST /v1/bootstrap': at('/v1/bootstrap'),
  'POST /v1/experimental/bootstrap': at('/v1/experimental/bootstrap'),
  'GET /v1/server_settings/nodejs': at('/v1/server_settings/nodejs'),
  'GET /v1/server_settings/python': at('/v1/server_settings/python'),
  'GET /v1/server_settings/quarto': at('/v1/server_settings/quarto'),
  'GET /v1/server_settings/r': at('/v1/server_settings/r'),
  'GET /v1/server_settings/tensorflow': at('/v1/server_settings/tensorflow'),
  'GET /v1/timezones': at('/v1/timezones'),

  'GET /v1/user': at('/v1/user'),
  'GET /v1/users': at('/v1/users?page_size=1'),
  'POST /v1/users': () => ({ path: '/v1/users', body: newUser() }),
  'PUT /v1/users': at('/v1/users', { temp_ticket: 'none' }),
  'GET /v1/users/remote': at('/v1/users/remote?prefix=a'),
  'GET /v1/users/{guid}': onUser(''),
  'PUT /v1/users/{guid}': onUser('', { user_role: 'publisher' }),
  'POST /v1/users/{guid}/lock': onUser('/lock', { locked: true }),
  'DELETE /v1/users/{guid}/sessions': onUser('/sessions'),
  'GET /v1/users/{guid}/keys': onOwner('/keys'),
  'POST /v1/users/{guid}/keys': onOwner('/keys', { name: 'another' }),
  'GET /v1/users/{guid}/keys/{id}': onKey(),
  'DELETE /v1/users/{guid}/keys/{id}': onKey(),

  'GET /v1/groups': at('/v1/groups?page_size=1'),
  'POST /v1/groups': () => ({ path: '/v1/groups', body: { name: fresh('group') } }),
  'PUT /v1/groups': at('/v1/groups', { temp_ticket: 'none' }),
  'GET /v1/groups/remote': at('/v1/groups/remote?prefix=a'),
  'GET /v1/groups/{guid}': onGroup(''),
  'PATCH /v1/groups/{guid}': onGroup('', () => ({ name: fresh('group') })),
  'POST /v1/groups/{guid}': onGroup('', () => ({ name: fresh('group') })),
  'DELETE /v1/groups/{guid}': onGroup(''),
  'GET /v1/groups/{guid}/members': onGroup('/members'),
  'POST /v1/groups/{guid}/members': onGroup('/members', ({ guids }) => ({ user_guid: guids.reader })),
  'DELETE /v1/groups/{guid}/members/{user_guid}': async (cast) => {
    const path = `/v1/groups/${await cast.group()}/members`
    await cast.must('POST', path, { user_guid: cast.guids.reader })
    return { path: `${path}/${cast.guids.reader}` }
  },

  'GET /v1/content': at('/v1/content?include=owner,tags,vanity_url'),
  'POST /v1/content': at('/v1/content', {}),
  'GET /v1/content/{guid}': afterwards(async (cast, content) => {
    await cast.must('PUT', `/v1/content/${content}/vanity`, { path: `/${fresh('way')}/` }, cast.keys.owner)
    return { path: `/v1/content/${content}?include=owner,vanity_url` }
  }),
  'PATCH /v1/content/{guid}': onContent('', { title: 'Another title' }),
  'DELETE /v1/content/{guid}': onContent(''),
  'GET /v1/search/content': at('/v1/search/content?q=content&page_size=1'),
  'GET /v1/content/{guid}/oauth/integrations/associations': onContent('/oauth/integrations/associations'),
  'PUT /v1/content/{guid}/oauth/integrations/associations': async (cast) => ({
    path: `/v1/content/${await cast.content({ app_mode: 'python-streamlit' })}/oauth/integrations/associations`,
    body: [{ oauth_integration_guid: await cast.integration() }],
  }),
  'GET /v1/content/{guid}/permissions': onContent('/permissions'),
  'POST /v1/content/{guid}/permissions': async (cast) => ({
    path: `/v1/content/${await cast.content()}/permissions`,
    body: { principal_guid: cast.guids.viewer, principal_type: 'user', role: 'viewer' },
  }),
  'GET /v1/content/{guid}/permissions/{id}': onPermission(),
  'PUT /v1/content/{guid}/permissions/{id}': onPermission({ role: 'viewer' }),
  'DELETE /v1/content/{guid}/permissions/{id}': onPermission(),
  'GET /v1/content/{guid}/share-links': onContent('/share-links'),
  'POST /v1/content/{guid}/share-links': onContent('/share-links', {}),
  'DELETE /v1/content/{guid}/share-links/{link}': afterwards(async (cast, content) => {
    const path = `/v1/content/${content}/share-links`
    const { guid } = await cast.must<{ guid: string }>('POST', path, {}, cast.keys.owner)
    return { path: `${path}/${guid}` }
  }),
  'GET /v1/vanities': at('/v1/vanities'),
  'GET /v1/content/{guid}/vanity': afterwards(async (cast, content) => {
    const path = `/v1/content/${content}/vanity`
    await cast.must('PUT', path, { path: `/${fresh('way')}/` }, cast.keys.owner)
    return { path }
  }),
  'PUT /v1/content/{guid}/vanity': afterwards((_, content) =>
    Promise.resolve({ path: `/v1/content/${content}/vanity`, body: { path: `/${fresh('way')}/` } }),
  ),
  'DELETE /v1/content/{guid}/vanity': onContent('/vanity'),
  'GET /v1/content/{guid}/environment': onContent('/environment'),
  'PATCH /v1/content/{guid}/environment': onContent('/environment', VARIABLES),
  'PUT /v1/content/{guid}/environment': onContent('/environment', VARIABLES),
  'GET /v1/content/{guid}/repository': afterwards(async (cast, content) => {
    const path = `/v1/content/${content}/repository`
    await cast.must('PUT', path, REPOSITORY, cast.keys.owner)
    return { path }
  }),
  'PUT /v1/content/{guid}/repository': onContent('/repository', REPOSITORY),
  'PATCH /v1/content/{guid}/repository': afterwards(async (cast, content) => {
    const path = `/v1/content/${content}/repository`
    await cast.must('PUT', path, REPOSITORY, cast.keys.owner)
    return { path, body: { branch: 'next' } }
  }),
  'DELETE /v1/content/{guid}/repository': onContent('/repository'),
  'GET /v1/content/{guid}/bundles': onContent('/bundles'),
  'POST /v1/content/{guid}/bundles': afterwards((_, content) =>
    Promise.resolve({
      path: `/v1/content/${content}/bundles`,
      body: bundleOf(manifestFor('python-streamlit')),
      headers: GZIP,
    }),
  ),
  'GET /v1/content/{guid}/bundles/{id}': afterwards(async (cast, content) => ({
    path: `/v1/content/${content}/bundles/${await uploaded(cast, content)}`,
  })),
  'DELETE /v1/content/{guid}/bundles/{id}': afterwards(async (cast, content) => ({
    path: `/v1/content/${content}/bundles/${await uploaded(cast, content)}`,
  })),
  'GET /v1/content/{guid}/bundles/{id}/download': afterwards(async (cast, content) => ({
    path: `/v1/content/${content}/bundles/${await uploaded(cast, content)}/download`,
  })),
  'POST /v1/content/{guid}/deploy': afterwards(async (cast, content) => ({
    path: `/v1/content/${content}/deploy`,
    body: { bundle_id: await uploaded(cast, content) },
  })),
  'GET /v1/tasks/{id}': afterwards(async (cast, content) => {
    const body = { bundle_id: await uploaded(cast, content) }
    const path = `/v1/content/${content}/deploy`
    const { task_id } = await cast.must<{ task_id: string }>('POST', path, body, cast.keys.owner)
    return { path: `/v1/tasks/${task_id}` }
  }),
  'GET /v1/tags': at('/v1/tags'),
  'POST /v1/tags': () => ({ path: '/v1/tags', body: { name: fresh('Category') } }),
  'GET /v1/tags/{id}': onTag(''),
  'PATCH /v1/tags/{id}': async (cast) => ({ path: `/v1/tags/${await tag(cast)}`, body: { name: fresh('Tag') } }),
  'DELETE /v1/tags/{id}': onTag(''),
  'GET /v1/tags/{id}/content': onTag('/content'),
  'GET /v1/content/{guid}/tags': onContent('/tags'),
  'POST /v1/content/{guid}/tags': afterwards(async (cast, content) => ({
    path: `/v1/content/${content}/tags`,
    body: { tag_id: await tag(cast) },
  })),
  'DELETE /v1/content/{guid}/tags/{id}': afterwards(async (cast, content) => {
    const tag_id = await tag(cast)
    await cast.must('POST', `/v1/content/${content}/tags`, { tag_id }, cast.keys.owner)
    return { path: `/v1/content/${content}/tags/${tag_id}` }
  }),

  'GET /v1/oauth/templates': at('/v1/oauth/templates'),
  'GET /v1/oauth/templates/{key}': at('/v1/oauth/templates/custom'),
  'GET /v1/oauth/integrations': at('/v1/oauth/integrations'),
  'POST /v1/oauth/integrations': at('/v1/oauth/integrations', {
    template: 'github',
    name: 'GitHub',
    config: { client_id: 'a client', client_secret: 'not-a-real-secret' },
  }),
  'GET /v1/oauth/integrations/{guid}': onIntegration(''),
  'PATCH /v1/oauth/integrations/{guid}': onIntegration('', { name: 'Another name' }),
  'DELETE /v1/oauth/integrations/{guid}': onIntegration(''),
  'GET /v1/oauth/integrations/{guid}/associations': onIntegration('/associations'),
  'POST /v1/oauth/integrations/{guid}/verify': ({ bound }) => ({
    path: `/v1/oauth/integrations/${bound.integration}/verify`,
  }),
  'POST /v1/content/{guid}/session-token': ({ bound }) => ({
    path: `/v1/content/${bound.content}/session-token`,
    body: {},
  }),
  'GET /v1/oauth/sessions': at('/v1/oauth/sessions?all=True'),
  'GET /v1/oauth/sessions/{guid}': async ({ sessions }) => ({
    path: `/v1/oauth/sessions/${await sessions.of('to look at')}`,
  }),
  'DELETE /v1/oauth/sessions/{guid}': async ({ sessions }) => ({
    path: `/v1/oauth/sessions/${await sessions.of('to end')}`,
  }),
  'GET /v1/oauth/revocations': at('/v1/oauth/revocations'),
  'DELETE /v1/oauth/revocations/{guid}': async ({ sessions }) => ({
    path: `/v1/oauth/revocations/${await sessions.owedRevocation()}`,
  }),
  'POST /v1/oauth/integrations/credentials': async (cast) => {
    const path = `/v1/content/${cast.bound.content}/session-token`
    const { token } = await cast.must<{ token: string }>('POST', path, {}, cast.keys.owner)
    return {
      path: '/v1/oauth/integrations/credentials',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: GRANT_TYPE_TOKEN_EXCHANGE,
        subject_token_type: SUBJECT_TOKEN_TYPE.contentSession,
        subject_token: token,
      }).toString(),
    }
  },
}
