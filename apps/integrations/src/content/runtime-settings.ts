import { isAtLeast, permissionDenied, type Person } from '#libs/contracts'
/**
 * What a publisher says of how the content is to be run. It is kept and shown, since clients compare what they get with
 * what they sent; whoever runs the content may go by it. Wire names.
 */
export interface RuntimeSettings {
  readonly connection_timeout: number | null
  readonly read_timeout: number | null
  readonly init_timeout: number | null
  readonly idle_timeout: number | null
  readonly max_processes: number | null
  readonly min_processes: number | null
  readonly max_conns_per_process: number | null
  readonly load_factor: number | null
  readonly memory_request: number | null
  readonly memory_limit: number | null
  readonly cpu_request: number | null
  readonly cpu_limit: number | null
  readonly amd_gpu_limit: number | null
  readonly nvidia_gpu_limit: number | null
  readonly service_account_name: string | null
  readonly default_image_name: string | null
  readonly default_environment_guid: string | null
  readonly default_r_environment_management: boolean | null
  readonly default_py_environment_management: boolean | null
  readonly run_as: string | null
  readonly run_as_current_user: boolean
}

/** Until somebody says something else. */
export const DEFAULT_SETTINGS: RuntimeSettings = {
  connection_timeout: null,
  read_timeout: null,
  init_timeout: null,
  idle_timeout: null,
  max_processes: null,
  min_processes: null,
  max_conns_per_process: null,
  load_factor: null,
  memory_request: null,
  memory_limit: null,
  cpu_request: null,
  cpu_limit: null,
  amd_gpu_limit: null,
  nvidia_gpu_limit: null,
  service_account_name: null,
  default_image_name: null,
  default_environment_guid: null,
  default_r_environment_management: null,
  default_py_environment_management: null,
  run_as: null,
  run_as_current_user: false,
}

const NAMES = Object.keys(DEFAULT_SETTINGS) as (keyof RuntimeSettings)[]

/** The settings among the members of a body. */
export const settingsIn = (body: Partial<RuntimeSettings>): Partial<RuntimeSettings> =>
  Object.fromEntries(NAMES.flatMap((name) => (body[name] === undefined ? [] : [[name, body[name]]])))

/** Those of the wanted settings that differ; `undefined` when none does. */
export function differing(
  wanted: Partial<RuntimeSettings>,
  settings: Partial<RuntimeSettings>,
): Partial<RuntimeSettings> | undefined {
  const now = { ...DEFAULT_SETTINGS, ...settings }
  const different = Object.entries(wanted).filter(([name, value]) => value !== now[name as keyof RuntimeSettings])
  return different.length > 0 ? Object.fromEntries(different) : undefined
}

/**
 * As whom something runs is no publisher's to say, nor to take back.
 * @param changed the settings that are to become others
 * @throws DomainError `permission.denied`
 */
export function mayRunAs(changed: Partial<RuntimeSettings>, { role }: Pick<Person, 'role'>): void {
  if (changed.run_as === undefined && changed.run_as_current_user === undefined) return
  if (!isAtLeast(role, 'administrator')) throw permissionDenied()
}
