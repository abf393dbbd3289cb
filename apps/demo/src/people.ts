/** Somebody whom the demo's OpenID provider knows. */
export interface Person {
  /** Login name and `sub`. */
  readonly username: string
  readonly givenName: string
  readonly familyName: string
  readonly groups: readonly string[]
  /** What the person is there for, in the words of the login page. */
  readonly part: string
  /** What Keybearer's administrator makes of them; by default they are viewers. */
  readonly role?: 'administrator' | 'publisher'
}

/** Everybody who can log in to the demo. */
export const PEOPLE: readonly Person[] = [
  {
    username: 'alice',
    givenName: 'Alice',
    familyName: 'Archer',
    groups: ['administrators'],
    part: 'runs the server',
    role: 'administrator',
  },
  {
    username: 'priya',
    givenName: 'Priya',
    familyName: 'Nair',
    groups: ['publishers', 'analysts'],
    part: 'publishes content',
    role: 'publisher',
  },
  {
    username: 'vera',
    givenName: 'Vera',
    familyName: 'Lindqvist',
    groups: ['viewers', 'analysts'],
    part: 'looks at content',
  },
  {
    username: 'victor',
    givenName: 'Victor',
    familyName: 'Osei',
    groups: ['viewers', 'finance'],
    part: 'looks at content',
  },
]

/** An account at the vendor, which knows nothing of Keybearer's users. */
export interface VendorAccount {
  readonly id: string
  readonly name: string
  readonly email: string
}

/** Everybody who has an account at the demo's vendor. */
export const VENDOR_ACCOUNTS: readonly VendorAccount[] = [
  { id: 'alice', name: 'Alice A. of Acme', email: 'alice@acme-data.example' },
  { id: 'priya', name: 'Priya N. of Acme', email: 'priya@acme-data.example' },
  { id: 'vera', name: 'Vera L. of Acme', email: 'vera@acme-data.example' },
  { id: 'victor', name: 'Victor O. of Acme', email: 'victor@acme-data.example' },
]

/** `guest-1` to `guest-9999` can log in and have an account at the vendor, for measurements that need many people. */
const GUEST = /^guest-([1-9]\d{0,3})$/

/** Whoever has this username, or `undefined`. */
export function personOf(username: string): Person | undefined {
  const number = GUEST.exec(username)?.[1]
  if (!number) return PEOPLE.find((person) => person.username === username)
  return { username, givenName: 'Guest', familyName: number, groups: ['viewers'], part: 'is one of many' }
}

/** The vendor's account of this name, or `undefined`. */
export function vendorAccountOf(id: string): VendorAccount | undefined {
  const number = GUEST.exec(id)?.[1]
  if (!number) return VENDOR_ACCOUNTS.find((account) => account.id === id)
  return { id, name: `Guest ${number} of Acme`, email: `${id}@acme-data.example` }
}
