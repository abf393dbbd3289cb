import { CreateIntegrations1795300000000 } from './1795300000000-create-integrations.js'

/** Oldest first. */
export const migrations = [CreateIntegrations1795300000000]
