import { CreateVault1795300000000 } from './1795300000000-create-vault.js'
import { AuditVault1795348800000 } from './1795348800000-audit-vault.js'
import { LoginTokens1795359600000 } from './1795359600000-login-tokens.js'
import { Endings1795363201000 } from './1795363201000-endings.js'
import { AuditAgain1795366800000 } from './1795366800000-audit-again.js'
import { Revocations1795403000000 } from './1795403000000-revocations.js'
import { RefreshesInDoubt1795404000000 } from './1795404000000-refreshes-in-doubt.js'
import { SafeKeys1795405000000 } from './1795405000000-safe-keys.js'
import { ServiceTokens1795406000000 } from './1795406000000-service-tokens.js'
import { IdTokens1795412000000 } from './1795412000000-id-tokens.js'
import { ClientsOfGrants1795417000000 } from './1795417000000-clients-of-grants.js'
import { RefusalsOfSettings1795420000000 } from './1795420000000-refusals-of-settings.js'
import { DamagedGrants1795421000000 } from './1795421000000-damaged-grants.js'
import { ColumnsOfIssue1795430000000 } from './1795430000000-columns-of-issue.js'

/** Oldest first. */
export const migrations = [
  CreateVault1795300000000,
  AuditVault1795348800000,
  LoginTokens1795359600000,
  Endings1795363201000,
  AuditAgain1795366800000,
  Revocations1795403000000,
  RefreshesInDoubt1795404000000,
  SafeKeys1795405000000,
  ServiceTokens1795406000000,
  IdTokens1795412000000,
  ClientsOfGrants1795417000000,
  RefusalsOfSettings1795420000000,
  DamagedGrants1795421000000,
  ColumnsOfIssue1795430000000,
]
