import fc from 'fast-check'
import { ROLES, type Role } from '#libs/contracts'
import { AuthorizationSettings } from '#libs/service'
import { mappedRole, type RoleSettings } from './role-mapping.js'

const settings = (changes: Partial<AuthorizationSettings>): AuthorizationSettings =>
  Object.assign(new AuthorizationSettings(), { userRoleMapping: true }, changes)
const roleOf = (changes: Partial<AuthorizationSettings>, values: string[]): Role =>
  mappedRole(settings(changes), values).role

const DEPARTMENTS = {
  viewerRoleMapping: ['HR', 'Marketing'],
  publisherRoleMapping: ['Engineering'],
  administratorRoleMapping: ['IT'],
}
const GROUPS = {
  userRoleMapping: false,
  userRoleGroupMapping: true,
  publisherRoleMapping: ['Developers'],
  administratorRoleMapping: ['Dev-Leaders', 'IT-Administrators'],
}

describe('the role of a login', () => {
  it.each(ROLES)('ROLE-01 ROLE-03 ROLE-04 is %s when the claim says so and no list is given', (role) => {
    expect(roleOf({}, [role])).toBe(role)
  })

  it.each<[string, string[], Partial<AuthorizationSettings>, Role]>([
    ['ROLE-02 ROLE-23 is the default without a claim', [], {}, 'viewer'],
    ['ROLE-02 ROLE-23 is the default without a claim', [], { defaultUserRole: 'publisher' }, 'publisher'],
    ['ROLE-05 is the default for a word that is no role', ['superuser'], {}, 'viewer'],
    ['ROLE-05 is the default for a word that is no role', ['superuser'], { defaultUserRole: 'publisher' }, 'publisher'],
    ['ROLE-05 is the default for a role in other letters', ['Administrator'], {}, 'viewer'],
    ['ROLE-05 A26 is the default for what every object has', ['__proto__', 'constructor'], {}, 'viewer'],
    ['ROLE-06 follows the list', ['Engineering'], { publisherRoleMapping: ['Engineering'] }, 'publisher'],
    ['ROLE-06 follows nothing but the lists once there are any', ['administrator'], DEPARTMENTS, 'viewer'],
    ['ROLE-07 is that of each value of a list', ['HR'], { ...DEPARTMENTS, defaultUserRole: 'publisher' }, 'viewer'],
    [
      'ROLE-07 is that of each value of a list',
      ['Marketing'],
      { ...DEPARTMENTS, defaultUserRole: 'publisher' },
      'viewer',
    ],
    ['ROLE-08 HR is viewer', ['HR'], DEPARTMENTS, 'viewer'],
    ['ROLE-08 Marketing is viewer', ['Marketing'], DEPARTMENTS, 'viewer'],
    ['ROLE-08 Engineering is publisher', ['Engineering'], DEPARTMENTS, 'publisher'],
    ['ROLE-08 IT is administrator', ['IT'], DEPARTMENTS, 'administrator'],
    ['ROLE-09 is the most privileged of several', ['HR', 'IT'], DEPARTMENTS, 'administrator'],
    [
      'ROLE-10 is the least privileged of several when restrictive',
      ['HR', 'IT'],
      { ...DEPARTMENTS, userRoleMappingRestrictive: true },
      'viewer',
    ],
    ['ROLE-11 is the only match', ['IT'], DEPARTMENTS, 'administrator'],
    [
      'ROLE-11 is the only match, restrictive or not',
      ['IT'],
      { ...DEPARTMENTS, userRoleMappingRestrictive: true },
      'administrator',
    ],
    ['ROLE-14 ROLE-15 of a member of Developers is publisher', ['Developers'], GROUPS, 'publisher'],
    ['ROLE-15 of a member of Dev-Leaders is administrator', ['Dev-Leaders'], GROUPS, 'administrator'],
    ['ROLE-15 of a member of IT-Administrators is administrator', ['IT-Administrators'], GROUPS, 'administrator'],
    ['ROLE-15 ROLE-16 of all others is the default', ['Sales'], GROUPS, 'viewer'],
    [
      'ROLE-15 ROLE-16 of all others is the default',
      ['Sales'],
      { ...GROUPS, defaultUserRole: 'publisher' },
      'publisher',
    ],
    ['ROLE-16 of somebody in no group is the default', [], GROUPS, 'viewer'],
    [
      'ROLE-14 of a group called administrator is the default without lists',
      ['administrator'],
      { userRoleMapping: false, userRoleGroupMapping: true },
      'viewer',
    ],
    ['ROLE-17 is that of the unique ID', ['g-1'], { ...GROUPS, publisherRoleMapping: ['g-1'] }, 'publisher'],
    ['ROLE-17 is not that of the name then', ['Developers'], { ...GROUPS, publisherRoleMapping: ['g-1'] }, 'viewer'],
  ])('%s: %j', (_name, values, changes, role) => {
    expect(roleOf(changes, values)).toBe(role)
  })

  it('ROLE-13 CFG-35 CFG-36 comes from a mapping only when one is on', () => {
    expect(new AuthorizationSettings().rolesAreMapped).toBe(false)
    expect(settings({}).rolesAreMapped).toBe(true)
    expect(settings(GROUPS).rolesAreMapped).toBe(true)
  })
})

/** The rules as a table: the first row that fits has the role. */
function model(from: RoleSettings, values: readonly string[]): Role {
  const { viewerRoleMapping: v, publisherRoleMapping: p, administratorRoleMapping: a } = from
  const simple = v.length + p.length + a.length === 0
  const words = simple && from.userRoleMapping
  const makes = (list: readonly string[], word: string): boolean =>
    values.some((value) => list.includes(value) || (words && value === word))
  const rows: readonly [boolean, Role][] = [
    [makes(v, 'viewer'), 'viewer'],
    [makes(p, 'publisher'), 'publisher'],
    [makes(a, 'administrator'), 'administrator'],
  ]
  const order = from.userRoleMappingRestrictive ? rows : [...rows].reverse()
  return order.find(([fits]) => fits)?.[1] ?? from.defaultUserRole
}

const word = fc.oneof(
  fc.constantFrom('HR', 'IT', 'hr', 'viewer', 'publisher', 'administrator', '__proto__', 'toString', ''),
  fc.string(),
)
const list = fc.array(word, { maxLength: 4 })
const anySettings: fc.Arbitrary<RoleSettings> = fc
  .record({
    byGroup: fc.boolean(),
    defaultUserRole: fc.constantFrom<Role>('viewer', 'publisher'),
    viewerRoleMapping: list,
    publisherRoleMapping: list,
    administratorRoleMapping: list,
    userRoleMappingRestrictive: fc.boolean(),
  })
  .map(({ byGroup, ...rest }) => ({ ...rest, userRoleMapping: !byGroup, userRoleGroupMapping: byGroup }))

describe('the mapping, for all settings and values,', () => {
  it('ROLE-03 ROLE-05 ROLE-06 ROLE-09 ROLE-10 ROLE-14 ROLE-23 agrees with the table', () => {
    fc.assert(
      fc.property(anySettings, list, (from, values) => {
        expect(mappedRole(from, values).role).toBe(model(from, values))
      }),
      { numRuns: 2000 },
    )
  })

  it('ROLE-10 ROLE-11 is never more when restrictive, and the same with one match', () => {
    fc.assert(
      fc.property(anySettings, list, (from, values) => {
        const most = mappedRole({ ...from, userRoleMappingRestrictive: false }, values)
        const least = mappedRole({ ...from, userRoleMappingRestrictive: true }, values)
        expect(ROLES.indexOf(least.role)).toBeLessThanOrEqual(ROLES.indexOf(most.role))
        if (most.matches.length < 2) expect(least).toEqual(most)
      }),
    )
  })

  it('does not depend on order or repetition', () => {
    fc.assert(
      fc.property(anySettings, list, (from, values) => {
        expect(mappedRole(from, [...values, ...values].reverse())).toEqual(mappedRole(from, values))
      }),
    )
  })
})
