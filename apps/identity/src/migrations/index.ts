import { CreateIdentity1795305600000 } from './1795305600000-create-identity.js'
import { PeopleAndGroups1795309200000 } from './1795309200000-people-and-groups.js'
import { SearchOfPeople1795312801000 } from './1795312801000-search-of-people.js'
import { SearchOfGroups1795312802000 } from './1795312802000-search-of-groups.js'
import { AuditIdentity1795348800000 } from './1795348800000-audit-identity.js'
import { SecretKey1795352400000 } from './1795352400000-secret-key.js'
import { SessionsOfProviders1795356000000 } from './1795356000000-sessions-of-providers.js'
import { AuditAgain1795366800000 } from './1795366800000-audit-again.js'
import { LongNames1795370400000 } from './1795370400000-long-names.js'
import { VisitorKeys1795415000000 } from './1795415000000-visitor-keys.js'

/** Oldest first. */
export const migrations = [
  CreateIdentity1795305600000,
  PeopleAndGroups1795309200000,
  SearchOfPeople1795312801000,
  SearchOfGroups1795312802000,
  AuditIdentity1795348800000,
  SecretKey1795352400000,
  SessionsOfProviders1795356000000,
  AuditAgain1795366800000,
  LongNames1795370400000,
  VisitorKeys1795415000000,
]
