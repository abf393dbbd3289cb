import { CommanderError } from 'commander'
import { SettingsError } from '../../../libs/service/src/settings/load-settings.js'
import { readArguments } from './arguments.js'
import { House } from './house.js'
import { Progress } from './progress.js'
import { StartFailure } from './start-failure.js'
import { CONFIGURATION_FAULT } from './supervise.js'

try {
  const progress = new Progress((text) => process.stdout.write(text))
  const house = new House(readArguments(process.argv.slice(2)), progress, (failure) => void end(failure))
  let stopped = false

  const end = async (failure?: unknown): Promise<void> => {
    if (stopped) return
    stopped = true
    if (failure !== undefined) console.error(`\n${words(failure)}`)
    else progress.line('\nStopping …')
    await house.stop()
    if (failure === undefined) progress.line('Stopped; the data is kept.')
    process.exit(failure === undefined ? 0 : exitCode(failure))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end())
  for (const fault of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(fault, (error) => void end(error))
  // Nobody reads any more (a closed terminal, `| head`): that is no reason to leave the processes alone.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  house.start().catch(end)
} catch (error) {
  // Commander has said it.
  process.exit(error instanceof CommanderError ? error.exitCode : 1)
}

function exitCode(failure: unknown): number {
  if (failure instanceof SettingsError) return CONFIGURATION_FAULT
  return failure instanceof StartFailure ? failure.exitCode : 1
}

function words(failure: unknown): string {
  if (failure instanceof StartFailure || failure instanceof SettingsError) return failure.message
  return failure instanceof Error ? (failure.stack ?? failure.message) : String(failure)
}
