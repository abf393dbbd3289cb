import { randomUUID } from 'node:crypto'
import { DomainError, REQUESTED_TOKEN_TYPE, Secret } from '#libs/contracts'
import { VendorServer, type Vendor } from '#libs/testing'
import { newHouse, World } from '../house.fixture.js'
import { clientFingerprint } from '../provider/client-fingerprint.js'
import { endGrant } from '../revocation/end-grant.js'
import { Chance, RandomHouse, type Asked, type Brought, type Outside } from './random-house.fixture.js'

/** Takes everything, and gives what it took as a part of what it gives. */
const giving: Vendor = ({ form }) => [
  200,
  `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
    <AccessKeyId>A</AccessKeyId><SecretAccessKey>s</SecretAccessKey><Expiration>2099-01-01T00:00:00Z</Expiration>
    <SessionToken>${form.get('WebIdentityToken')}</SessionToken>
  </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
]

const EXCHANGES = 300
const house = await newHouse()
const tokenService = await new VendorServer(giving).start()
afterAll(async () => {
  await tokenService.stop()
  await house.close()
})

it(`C25 VAULT-06 VAULT-07 the exchange itself does what the model says, ${EXCHANGES} times at random`, async () => {
  const vault = house.process()
  const chance = new Chance(4)
  const random = RandomHouse.of(chance, () => randomUUID())
  const consented = new Map<string, string>()
  let version = 1
  // Nothing newer than what was told.
  vault.ask = () => Promise.resolve(undefined)
  vault.signIdToken = (content, audience) => Promise.resolve(new Secret(`credentials/${content}/${audience}`))

  const stateOf = (outside: Outside) =>
    random.integrationState(outside, `${house.provider.url}/token`, tokenService.url)

  /** Each grant's token says whose it is, since no two are alike. */
  const consents = async (): Promise<void> => {
    for (const person of random.people)
      for (const outside of random.outsides) {
        const { guid } = outside
        const name = `${person.guid}/${guid}`
        const client = random.consents.get(name)
        const world = Object.assign(new World(house.provider, guid), { viewerGuid: person.guid })
        if (client !== undefined && client !== consented.get(name)) {
          const of = clientFingerprint(stateOf({ ...outside, deleted: false })!)
          await vault.grant(world, 3600, null, `token of ${name}`, null, `credentials/${name}`, of)
        }
        if (client === undefined && consented.has(name)) {
          const context = { actor: { type: 'service', name: 'vault' }, commandId: randomUUID() } as const
          await endGrant(vault, world.grantGuid, 'user', context)
        }
        if (client !== undefined) consented.set(name, client)
        else consented.delete(name)
      }
  }
  const told = async (): Promise<void> => {
    version++
    for (const person of random.people)
      await vault.tell('user', person.guid, random.userState(person, new Date()), version)
    for (const item of random.items) await vault.tell('content', item.guid, random.contentState(item), version)
    for (const each of random.outsides) {
      await vault.tell('integration', each.guid, stateOf(each), version)
    }
  }
  const brought = async ({ form, caller, subject }: Asked): Promise<Brought> => {
    const world = Object.assign(new World(house.provider), { contentGuid: subject.content })
    const subject_token =
      subject.type === 'viewer'
        ? await world.subjectToken({ sub: subject.userGuid, sid: subject.sid })
        : await world.contentToken()
    try {
      const issued = await vault.exchange.exchange({ ...form, subject_token }, { ...caller, guid: randomUUID() })
      const token = issued.accessToken.reveal()
      if (issued.type === REQUESTED_TOKEN_TYPE.temporaryCredentials)
        return (JSON.parse(Buffer.from(token, 'base64').toString()) as { sessionToken: string }).sessionToken
      if (token.startsWith('token of ')) return `grant/${token.slice('token of '.length)}`
      const item = random.items.find(({ guid }) => guid === subject.content)!
      return `service/${form['audience'] ?? item.associated[0]}`
    } catch (error) {
      if (error instanceof DomainError && error.kind !== 'unavailable') return undefined
      throw error
    }
  }

  let issued = 0
  for (let n = 0; n < EXCHANGES; n++) {
    random.change()
    random.requireContentKeys = false
    await consents()
    await told()
    const asked = random.ask()
    const expected = random.expects(asked)
    expect({ n, asked, got: await brought(asked) }).toEqual({ n, asked, got: expected })
    if (expected !== undefined) issued++
  }
  expect(issued).toBeGreaterThan(EXCHANGES / 100)
}, 60_000)
