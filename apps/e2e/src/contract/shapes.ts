import { expect } from '@jest/globals'

/** What members are, for `toStrictEqual`, which knows no member more and none less. */
const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern)

interface Matcher {
  asymmetricMatch(other: unknown): boolean
  toString(): string
}

/** Either `null` or what is asked for. */
class Nullable {
  constructor(private readonly inner: Matcher) {}
  readonly $$typeof = Symbol.for('jest.asymmetricMatcher')
  asymmetricMatch(other: unknown): boolean {
    return other === null || this.inner.asymmetricMatch(other)
  }
  toString(): string {
    return 'Nullable'
  }
  toAsymmetricMatcher(): string {
    return `null or ${this.inner.toString()}`
  }
}

const nullable = (inner: unknown): unknown => new Nullable(inner as Matcher)

const TEXT: unknown = expect.any(String)
const NUMBER: unknown = expect.any(Number)
const FLAG: unknown = expect.any(Boolean)
const ID = matching(/^[1-9]\d*$/)
const GUID = matching(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
const TIME = matching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
const ROLE = matching(/^(administrator|publisher|viewer)$/)

const USER_FOR_EVERYBODY = {
  guid: GUID,
  username: TEXT,
  first_name: TEXT,
  last_name: TEXT,
  email: TEXT,
  user_role: ROLE,
  created_time: TIME,
  updated_time: TIME,
  active_time: nullable(TIME),
  confirmed: FLAG,
  locked: FLAG,
}
/** As administrators and the person see it. */
const USER = { ...USER_FOR_EVERYBODY, external_id: TEXT }

const CONTENT = {
  id: ID,
  guid: GUID,
  name: TEXT,
  title: nullable(TEXT),
  description: TEXT,
  access_type: matching(/^(acl|logged_in|all)$/),
  locked: FLAG,
  locked_message: TEXT,
  connection_timeout: nullable(NUMBER),
  read_timeout: nullable(NUMBER),
  init_timeout: nullable(NUMBER),
  idle_timeout: nullable(NUMBER),
  max_processes: nullable(NUMBER),
  min_processes: nullable(NUMBER),
  max_conns_per_process: nullable(NUMBER),
  load_factor: nullable(NUMBER),
  memory_request: nullable(NUMBER),
  memory_limit: nullable(NUMBER),
  cpu_request: nullable(NUMBER),
  cpu_limit: nullable(NUMBER),
  amd_gpu_limit: nullable(NUMBER),
  nvidia_gpu_limit: nullable(NUMBER),
  service_account_name: nullable(TEXT),
  default_image_name: nullable(TEXT),
  environment_guid: nullable(GUID),
  default_environment_guid: nullable(GUID),
  created_time: TIME,
  last_deployed_time: TIME,
  bundle_id: nullable(ID),
  app_mode: TEXT,
  content_category: TEXT,
  parameterized: FLAG,
  cluster_name: nullable(TEXT),
  image_name: nullable(TEXT),
  r_version: nullable(TEXT),
  py_version: nullable(TEXT),
  quarto_version: nullable(TEXT),
  r_environment_management: nullable(FLAG),
  py_environment_management: nullable(FLAG),
  default_r_environment_management: nullable(FLAG),
  default_py_environment_management: nullable(FLAG),
  run_as: nullable(TEXT),
  run_as_current_user: FLAG,
  owner_guid: GUID,
  content_url: matching(/\/content\/[0-9a-f-]{36}\/$/),
  dashboard_url: matching(/\/connect\/#\/apps\/[0-9a-f-]{36}$/),
  upstream_url: nullable(TEXT),
  app_role: matching(/^(owner|editor|viewer|none)$/),
}

/** Exactly these members, and of these kinds. */
export const SHAPES = {
  user: USER,
  userForEverybody: USER_FOR_EVERYBODY,
  me: { ...USER, privileges: [], preferences: {} },
  group: { guid: GUID, name: TEXT, owner_guid: nullable(GUID) },
  key: {
    id: ID,
    name: TEXT,
    key: matching(/^.{3,6}$/),
    user_role: ROLE,
    created_time: TIME,
    active_time: nullable(TIME),
    expires_at: nullable(TIME),
    content_guid: null,
  },
  content: CONTENT,
  contentOwner: { guid: GUID, username: TEXT, first_name: TEXT, last_name: TEXT },
  permission: {
    id: ID,
    content_guid: GUID,
    principal_guid: GUID,
    principal_type: matching(/^(user|group)$/),
    role: matching(/^(viewer|owner)$/),
  },
  shareLink: { guid: GUID, content_guid: GUID, created_time: TIME, expires_at: nullable(TIME) },
  integration: {
    id: ID,
    guid: GUID,
    created_time: TIME,
    updated_time: TIME,
    name: nullable(TEXT),
    description: nullable(TEXT),
    template: nullable(TEXT),
    auth_type: matching(/^(Viewer|Service Account|Visitor API Key)$/),
    config: expect.any(Object) as unknown,
    permissions: expect.any(Array) as unknown,
  },
  association: {
    app_guid: GUID,
    content_guid: GUID,
    oauth_integration_guid: GUID,
    oauth_integration_name: nullable(TEXT),
    oauth_integration_description: nullable(TEXT),
    oauth_integration_template: nullable(TEXT),
    oauth_integration_auth_type: TEXT,
    created_time: TIME,
  },
  oauthSession: {
    id: ID,
    guid: GUID,
    user_guid: GUID,
    oauth_integration_guid: GUID,
    has_refresh_token: FLAG,
    scope: nullable(TEXT),
    requested_scope: nullable(TEXT),
    created_time: TIME,
    updated_time: TIME,
  },
  owedRevocation: {
    guid: GUID,
    oauth_integration_guid: GUID,
    user_guid: GUID,
    attempts: NUMBER,
    last_error: nullable(TEXT),
    created_time: TIME,
    next_attempt_time: TIME,
  },
  vanity: { path: matching(/^\/.*\/$/), content_guid: GUID, created_time: TIME },
  tag: { id: ID, name: TEXT, parent_id: nullable(ID), created_time: TIME, updated_time: TIME },
  task: { id: GUID, output: [], result: null, finished: true, code: 0, error: '', last: 1 },
  auditEntry: {
    id: ID,
    time: TIME,
    user_id: matching(/^\d+$/),
    user_guid: nullable(GUID),
    user_description: TEXT,
    action: TEXT,
    event_description: TEXT,
  },
} as const
