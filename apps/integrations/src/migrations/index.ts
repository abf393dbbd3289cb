import { CreateIntegrations1795300000000 } from './1795300000000-create-integrations.js'
import { AuditIntegrations1795348800000 } from './1795348800000-audit-integrations.js'
import { Copies1795363200000 } from './1795363200000-copies.js'
import { IntegrationAccess1795363201000 } from './1795363201000-integration-access.js'
import { AccessToContent1795363202000 } from './1795363202000-access-to-content.js'
import { Belongings1795363210000 } from './1795363210000-belongings.js'
import { AuditAgain1795366800000 } from './1795366800000-audit-again.js'

/** Oldest first. */
export const migrations = [
  CreateIntegrations1795300000000,
  AuditIntegrations1795348800000,
  Copies1795363200000,
  IntegrationAccess1795363201000,
  AccessToContent1795363202000,
  Belongings1795363210000,
  AuditAgain1795366800000,
]
