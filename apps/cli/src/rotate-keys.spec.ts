import type { SafeKeyVersion, SafeRewrapping } from '#libs/contracts'
import { runCommandLine, type Surroundings } from './command-line.js'
import { Failure } from './failure.js'
import type { OperatorCall } from './operator.js'
import { rotateKeysAfter } from './rotate-keys.js'

/** A vault with so many secrets under each key. */
class Vault {
  readonly calls: string[] = []
  /** What a process that has not heard yet seals with the old key after the first round. */
  late = 0
  damaged = 0

  constructor(
    public active: number,
    readonly secrets: Record<number, number>,
  ) {}

  async call<Answer>(name: string, { body, params }: OperatorCall = {}): Promise<Answer> {
    this.calls.push(name)
    return this.#answer(name, body, params?.['version']) as Answer
  }

  #answer(name: string, body: object | undefined, version: string | undefined): unknown {
    switch (name) {
      case 'operatorListsSafeKeys':
        return { versions: this.#versions() }
      case 'operatorMakesSafeKey':
        this.active++
        this.secrets[this.active] = 0
        return { version: this.active }
      case 'operatorRewrapsSafe':
        return this.#rewrap(body as { limit: number; delete_damaged?: boolean })
      default:
        if (this.secrets[Number(version)]) throw new Failure(`Key ${version} is needed by some secrets.`)
        return { removed: false }
    }
  }

  #versions(): SafeKeyVersion[] {
    return Object.entries(this.secrets).map(([version, secrets]) => ({
      version: Number(version),
      provider: 'file',
      active: Number(version) === this.active,
      retired: false,
      secrets,
    }))
  }

  #rewrap({ limit, delete_damaged: deletes = false }: { limit: number; delete_damaged?: boolean }): SafeRewrapping {
    const former = this.active - 1
    for (let older = 1; older < former; older++) {
      this.secrets[former]! += this.secrets[older]!
      this.secrets[older] = 0
    }
    const deleted = deletes ? this.damaged : 0
    this.secrets[former]! -= deleted
    this.damaged -= deleted
    const left = this.secrets[former]! - this.damaged
    const rewrapped = Math.min(limit, left)
    this.secrets[former]! -= rewrapped
    this.secrets[this.active]! += rewrapped
    const next = rewrapped === limit ? 'grant/x/refresh_token#1' : null
    const step = { rewrapped, damaged: next ? 0 : this.damaged, deleted, remaining: this.secrets[former]!, next }
    if (!next) this.secrets[former]! += this.late
    this.late = 0
    return step
  }
}

async function run(vault: Vault, ...argv: string[]) {
  const [out, notes]: [string[], string[]] = [[], []]
  const terminal = {
    out: (text: string) => void out.push(text),
    note: (text: string) => void notes.push(text),
    ask: () => Promise.resolve(undefined),
  }
  const surroundings = { terminal, environment: {}, operator: () => Promise.resolve(vault) }
  const command = { build: (given: Surroundings) => rotateKeysAfter(given, 1) }
  const status = await runCommandLine(['rotate-keys', ...argv], [command], surroundings)
  return { status, out: out.join('\n'), notes: notes.join('\n') }
}

describe('rotate-keys', () => {
  it('R16 makes a key, brings every secret under it, shows how far it is, and says which key is idle', async () => {
    const vault = new Vault(1, { 1: 2_500 })
    const { status, out, notes } = await run(vault)
    expect([status, out]).toEqual([0, '2500 secrets were brought under key 2; 0 are left under an older one.'])
    expect(notes).toContain('1000 secrets rewrapped, 1500 to go')
    expect(notes).toContain('2500 secrets rewrapped, 0 to go')
    expect(notes).toContain('rotate-keys --retire 1')
  })

  it('R16 goes on with what was interrupted, without another key', async () => {
    const vault = new Vault(2, { 1: 7, 2: 3 })
    const { status, notes } = await run(vault)
    expect(status).toBe(0)
    expect(vault.calls).not.toContain('operatorMakesSafeKey')
    expect(notes).toContain('A former rotation was not finished')
    expect(vault.secrets).toEqual({ 1: 0, 2: 10 })
  })

  it('R16 comes back for what somebody has sealed with the old key meanwhile', async () => {
    const vault = new Vault(1, { 1: 5 })
    vault.late = 2
    expect((await run(vault)).out).toContain('7 secrets were brought under key 2; 0 are left')
  })

  it('names secrets that do not open as a failure, and ends all the same', async () => {
    const vault = new Vault(1, { 1: 5 })
    vault.damaged = 1
    const { status, notes } = await run(vault)
    expect(status).toBe(1)
    expect(notes).toContain('1 secrets do not open')
  })

  it('makes another key although one secret will never come under it, and brings the others there', async () => {
    const vault = new Vault(2, { 1: 1, 2: 5 })
    vault.damaged = 1
    const { status, out, notes } = await run(vault)
    expect([status, vault.active, vault.secrets[3]]).toEqual([1, 3, 5])
    expect(out).toBe('5 secrets were brought under key 3; 1 are left under an older one.')
    expect(notes).toContain('--delete-damaged')
  })

  it('deletes what does not open when told so, and then the older key can be retired', async () => {
    const vault = new Vault(2, { 1: 1, 2: 5 })
    vault.damaged = 1
    const { status, out } = await run(vault, '--no-new-key', '--delete-damaged')
    expect([status, vault.secrets]).toEqual([0, { 1: 0, 2: 5 }])
    expect(out).toContain('1 secrets that did not open are deleted')
    expect(await run(vault, '--retire', '1')).toMatchObject({ status: 0 })
  })

  it('makes no key when told so', async () => {
    const vault = new Vault(2, { 1: 0, 2: 1 })
    await run(vault, '--no-new-key')
    expect(vault.calls).not.toContain('operatorMakesSafeKey')
  })

  it('shows the keys', async () => {
    const { out } = await run(new Vault(2, { 1: 7, 2: 3 }), '--list')
    expect(out.split('\n').map((line) => line.split(/\s+/))).toEqual([
      ['KEY', 'FROM', 'USE', 'SECRETS'],
      ['1', 'file', 'opens', '7'],
      ['2', 'file', 'seals', '3'],
    ])
  })

  it('retires a key, and not one that is needed', async () => {
    const vault = new Vault(2, { 1: 0, 2: 3 })
    expect(await run(vault, '--retire', '1')).toMatchObject({ status: 0, out: 'Key 1 is retired.' })
    expect(await run(vault, '--retire', '2')).toMatchObject({ status: 1, notes: 'Key 2 is needed by some secrets.' })
    expect(await run(vault, '--retire', 'one')).toMatchObject({ status: 2 })
  })
})
