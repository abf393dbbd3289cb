import 'reflect-metadata'
import type { ChangeContract, ChangeMessage } from '#libs/contracts'
import { plainToInstance } from 'class-transformer'
import { validateSync } from 'class-validator'

const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) > 0

/**
 * Whether foreign bytes are a change under this contract. Members that the contract does not know are allowed: it grows
 * by addition.
 * @returns names of the members that are wrong, never their values; empty when it is valid
 */
export function flawsOf(contract: ChangeContract<unknown>, message: unknown): string[] {
  if (typeof message !== 'object' || message === null) return ['message']
  const { type, schema_version, revision, version, state } = message as Partial<ChangeMessage>
  const flaws = [
    type !== contract.type && 'type',
    schema_version !== 1 && 'schema_version',
    !isCount(revision) && 'revision',
    !isCount(version) && 'version',
  ].filter((flaw) => flaw !== false)
  if (flaws.length > 0 || state === null) return flaws
  if (typeof state !== 'object' || Array.isArray(state)) return ['state']
  const instance = plainToInstance(contract.state as new () => object, state)
  return validateSync(instance, { forbidUnknownValues: true }).map((error) => `state.${error.property}`)
}
