import type { Command } from 'commander'

/**
 * The arguments with two dashes where somebody wrote a flag with one, as `-username`. Values stay as they are.
 * @param command knows which flags there are; its subcommands' count too
 */
export function withTwoDashes(argv: readonly string[], command: Command): string[] {
  const flags = flagsOf(command)
  const result: string[] = []
  let isValue = false
  for (const [at, argument] of argv.entries()) {
    if (!isValue && argument === '--') return [...result, ...argv.slice(at)]
    const [, dashes = '', name = '', rest = ''] = /^(--?)([a-z][a-z-]+)(=.*)?$/s.exec(argument) ?? []
    const takesValue = flags.get(name)
    if (isValue || takesValue === undefined) {
      result.push(argument)
      isValue = false
      continue
    }
    result.push(dashes === '-' ? `--${name}${rest}` : argument)
    isValue = takesValue && rest === ''
  }
  return result
}

/** Each flag's name without dashes, and whether a value follows it. */
function flagsOf(command: Command): Map<string, boolean> {
  const flags = new Map<string, boolean>([['help', false]])
  for (const each of [command, ...command.commands]) {
    for (const { long, required } of each.options) if (long) flags.set(long.slice(2), required)
  }
  return flags
}
