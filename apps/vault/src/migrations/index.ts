import { CreateVault1795300000000 } from './1795300000000-create-vault.js'
import { AuditVault1795348800000 } from './1795348800000-audit-vault.js'

/** Oldest first. */
export const migrations = [CreateVault1795300000000, AuditVault1795348800000]
