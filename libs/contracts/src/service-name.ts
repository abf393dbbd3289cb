/** The processes that speak to each other. A service token's `iss` and `aud`, an assertion's `aud`. */
export const SERVICES = ['gateway', 'identity', 'integrations', 'vault'] as const
export type ServiceName = (typeof SERVICES)[number]
