import { setTimeout as delay } from 'node:timers/promises'
import { Command } from 'commander'
import type { SafeKeyVersion, SafeRewrapping } from '#libs/contracts'
import type { CommandFactory, Surroundings } from './command-line.js'
import { Failure } from './failure.js'
import type { Operator } from './operator.js'
import { printed } from './table.js'
import type { Terminal } from './terminal.js'

/** Secrets that one step rewraps. */
const STEP = 1_000
/** Milliseconds after which every process of the vault has heard of the new key; longer than each of them looks. */
const HEARD_BY_ALL_MS = 3_000
const ROUNDS = 10

interface Flags {
  readonly list?: boolean
  readonly newKey: boolean
  readonly deleteDamaged?: boolean
  readonly retire?: string
  readonly data: string
  readonly vaultUrl?: string
  readonly keyFile?: string
}

/** `keybearer rotate-keys`: a new key for the safe, while everybody works. */
export const rotateKeys: CommandFactory = { build: (surroundings) => rotateKeysAfter(surroundings, HEARD_BY_ALL_MS) }

/** @param heardByAllMs milliseconds that a process of the vault may take to notice a new key */
export function rotateKeysAfter({ terminal, environment, operator }: Surroundings, heardByAllMs: number): Command {
  return new Command('rotate-keys')
    .description(
      'Makes a new key for the safe and brings every secret under it. Nothing has to be stopped, no secret is opened, and\n' +
        'what was interrupted goes on when the command is repeated. The older key stays until it is retired.',
    )
    .option('--list', 'shows the keys and how many secrets need each; changes nothing')
    .option('--no-new-key', 'makes none: brings secrets under the key that seals already')
    .option(
      '--delete-damaged',
      'destroys secrets that do not open, with whichever key; their owners consent or enter them again',
    )
    .option('--retire <version>', 'destroys an older key that no secret needs')
    .option('--data <directory>', 'what Keybearer was started with as --data', '.data')
    .option('--vault-url <url>', 'instead of --data: the vault’s internal listener (KEYBEARER_URL_VAULT)')
    .option('--key-file <file>', 'the operator’s key (KEYBEARER_OPERATOR_KEY_FILE)')
    .action(async ({ list, newKey, deleteDamaged = false, retire, data, vaultUrl, keyFile }: Flags) => {
      const opened = await operator({
        data,
        vaultUrl: vaultUrl ?? environment['KEYBEARER_URL_VAULT'],
        keyFile: keyFile ?? environment['KEYBEARER_OPERATOR_KEY_FILE'],
      })
      if (list) await show(opened, terminal)
      else if (retire !== undefined) await retireKey(opened, terminal, retire)
      else await rotate(opened, terminal, { newKey, deleteDamaged, heardByAllMs })
    })
}

const versionsOf = async (operator: Operator): Promise<readonly SafeKeyVersion[]> =>
  (await operator.call<{ versions: readonly SafeKeyVersion[] }>('operatorListsSafeKeys')).versions

async function show(operator: Operator, terminal: Terminal): Promise<void> {
  const rows = (await versionsOf(operator)).map(({ version, provider, active, retired, secrets }) => {
    const use = active ? 'seals' : retired ? 'retired' : 'opens'
    return { version, provider, use, secrets }
  })
  terminal.out(printed(rows, { version: 'KEY', provider: 'FROM', use: 'USE', secrets: 'SECRETS' }, 'table'))
}

interface Rotation {
  readonly newKey: boolean
  readonly deleteDamaged: boolean
  readonly heardByAllMs: number
}

async function rotate(
  operator: Operator,
  terminal: Terminal,
  { newKey, deleteDamaged, heardByAllMs }: Rotation,
): Promise<void> {
  let done: SafeRewrapping = { rewrapped: 0, damaged: 0, deleted: 0, remaining: 0, next: null }
  const before = await versionsOf(operator)
  if (before.some(({ active, secrets }) => !active && secrets > 0))
    done = await rewrapAll(operator, terminal, done, deleteDamaged)
  // What does not open stays under an older key for ever, and must not keep the others there.
  if (newKey && done.rewrapped === 0 && done.remaining === done.damaged) {
    const { version } = await operator.call<{ version: number }>('operatorMakesSafeKey')
    terminal.note(`Key ${version} is made and seals from now on.`)
  } else if (newKey) {
    terminal.note('A former rotation was not finished: it goes on, and no new key is made.')
  }
  // A process that has not yet heard of the new key may have sealed with the old one meanwhile.
  for (let round = 1; ; round++) {
    done = await rewrapAll(operator, terminal, done, deleteDamaged)
    if (round > 1 && done.remaining === done.damaged) break
    if (round === ROUNDS) {
      throw new Failure(
        `${done.remaining} secrets are still under an older key: does every process of the vault have the new one? ` +
          'Repeat the command.',
      )
    }
    await delay(heardByAllMs)
  }
  const versions = await versionsOf(operator)
  const sealing = versions.find(({ active }) => active)
  const { rewrapped, damaged, deleted } = done
  terminal.out(
    `${rewrapped} secrets were brought under key ${sealing?.version}; ${damaged} are left under an older one.`,
  )
  if (deleted > 0) terminal.out(`${deleted} secrets that did not open are deleted: the vault’s log names them.`)
  if (damaged > 0) {
    throw new Failure(
      `${damaged} secrets do not open, with whichever key: the vault’s log names them (safe.tampered). ` +
        'They come back from a backup, or `--delete-damaged` destroys them, so that the older key can be retired.',
    )
  }
  const idle = versions.filter(({ active, retired, secrets }) => !active && !retired && secrets === 0)
  for (const { version } of idle) {
    terminal.note(
      `No secret needs key ${version} any more. Backups from before do: when you need none of them, ` +
        `\`rotate-keys --retire ${version}\` destroys it.`,
    )
  }
}

/** @param before what was done already */
async function rewrapAll(
  operator: Operator,
  terminal: Terminal,
  before: Pick<SafeRewrapping, 'rewrapped' | 'deleted'>,
  deleteDamaged: boolean,
): Promise<SafeRewrapping> {
  let after: string | null = null
  let damaged = 0
  let { rewrapped, deleted } = before
  for (;;) {
    const body: object = {
      limit: STEP,
      ...(after !== null && { after }),
      ...(deleteDamaged && { delete_damaged: true }),
    }
    const step: SafeRewrapping = await operator.call<SafeRewrapping>('operatorRewrapsSafe', { body })
    rewrapped += step.rewrapped
    damaged += step.damaged
    deleted += step.deleted
    if (step.rewrapped > 0) terminal.note(`${rewrapped} secrets rewrapped, ${step.remaining} to go`)
    if (step.next === null) return { ...step, rewrapped, damaged, deleted }
    after = step.next
  }
}

async function retireKey(operator: Operator, terminal: Terminal, version: string): Promise<void> {
  if (!/^[1-9]\d{0,9}$/.test(version)) throw new Failure('--retire needs the number of a key; --list shows them.', 2)
  const { removed } = await operator.call<{ removed: boolean }>('operatorRetiresSafeKey', { params: { version } })
  terminal.out(`Key ${version} is retired.`)
  if (!removed) terminal.note('The vault cannot change its key file: remove this key from it by hand.')
}
