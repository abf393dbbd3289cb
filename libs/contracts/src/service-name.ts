/** The processes that speak to each other. A service token's `iss` and `aud`, an assertion's `aud`. */
export const SERVICES = ['gateway', 'identity', 'integrations', 'vault'] as const
export type ServiceName = (typeof SERVICES)[number]

/** Who can prove itself with a service token: the services, and the holder of the operator's key at the shell. */
export const CALLERS = [...SERVICES, 'operator'] as const
export type CallerName = (typeof CALLERS)[number]
