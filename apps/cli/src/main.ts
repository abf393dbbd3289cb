import { type CommandFactory, runCommandLine } from './command-line.js'
import { contentToken } from './content-token.js'
import { encryptConfigValue } from './encrypt-config-value.js'
import { HttpOperator } from './operator.js'
import { rotateKeys } from './rotate-keys.js'
import { findSystem, operatorName } from './system.js'
import { processTerminal } from './terminal.js'
import { usermanager } from './usermanager/usermanager.js'

/** The commands of `keybearer`: one line each. */
const COMMANDS: readonly CommandFactory[] = [usermanager, encryptConfigValue, rotateKeys, contentToken]

// Nobody reads any more, as with `| head`: that is no fault.
process.stdout.on('error', () => process.exit(0))

process.exitCode = await runCommandLine(process.argv.slice(2), COMMANDS, {
  terminal: processTerminal,
  environment: process.env,
  operator: async (whereabouts) => HttpOperator.open(await findSystem(whereabouts), operatorName(process.env)),
})
