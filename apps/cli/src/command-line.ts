import { Command, CommanderError } from 'commander'
import { withTwoDashes } from './dashes.js'
import { Failure } from './failure.js'
import type { Operator } from './operator.js'
import type { Whereabouts } from './system.js'
import type { Terminal } from './terminal.js'

/** What a command needs of the world; specs give another one. */
export interface Surroundings {
  readonly terminal: Terminal
  readonly environment: NodeJS.ProcessEnv
  /** Finds the running system and opens it with the operator's key. @throws Failure */
  readonly operator: (whereabouts: Whereabouts) => Promise<Operator>
}

/** A command of `keybearer`. */
export interface CommandFactory {
  /** Its action does the work, or throws a `Failure`. */
  readonly build: (surroundings: Surroundings) => Command
  /** Older ways to say the same, said today's way. */
  readonly translate?: (argv: readonly string[]) => readonly string[]
}

/**
 * Carries out one command line.
 * @param argv without the program
 * @returns the exit status: 0 done, 1 refused or failed, 2 not understood
 */
export async function runCommandLine(
  argv: readonly string[],
  factories: readonly CommandFactory[],
  surroundings: Surroundings,
): Promise<number> {
  const { terminal } = surroundings
  const program = new Command('keybearer').description(
    'Looks after a Keybearer installation, on the machine it runs on.',
  )
  const translations = new Map<string, CommandFactory['translate']>()
  for (const { build, translate } of factories) {
    const command = build(surroundings)
    program.addCommand(command)
    translations.set(command.name(), translate)
  }
  prepare(program, terminal)
  try {
    const [name = '--help', ...rest] = argv
    const chosen = program.commands.find((command) => command.name() === name)
    const said = chosen ? withTwoDashes(rest, chosen) : rest
    const translate = translations.get(name)
    await program.parseAsync([name, ...(translate ? translate(said) : said)], { from: 'user' })
    return 0
  } catch (error) {
    // Commander has said it.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (error instanceof Failure) {
      terminal.note(error.message)
      return error.exitCode
    }
    throw error
  }
}

/** Every command throws instead of ending the process, and speaks through the terminal. */
function prepare(command: Command, terminal: Terminal): void {
  command
    .exitOverride()
    .showHelpAfterError('(--help shows what there is)')
    .allowExcessArguments(false)
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.note(text.trimEnd()),
    })
  for (const each of command.commands) prepare(each, terminal)
}
