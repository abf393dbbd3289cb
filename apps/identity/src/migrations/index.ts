import { CreateIdentity1795305600000 } from './1795305600000-create-identity.js'
import { PeopleAndGroups1795309200000 } from './1795309200000-people-and-groups.js'
import { SecretKey1795352400000 } from './1795352400000-secret-key.js'

/** Oldest first. */
export const migrations = [CreateIdentity1795305600000, PeopleAndGroups1795309200000, SecretKey1795352400000]
