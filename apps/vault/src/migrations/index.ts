import { CreateVault1795300000000 } from './1795300000000-create-vault.js'

/** Oldest first. */
export const migrations = [CreateVault1795300000000]
