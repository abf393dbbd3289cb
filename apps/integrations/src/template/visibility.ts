/** When a question of a form is asked: always, when an option has a value, or by such conditions together. */
export type Visibility =
  | { readonly name: string; readonly value: string | boolean }
  | { readonly operator: 'and' | 'or'; readonly operands: readonly Visibility[] }
  | null

/** @param values of which the option has to have one */
export function when(name: string, ...values: readonly (string | boolean)[]): Visibility {
  const [only, ...more] = values.map((value) => ({ name, value }))
  return more.length === 0 ? only! : { operator: 'or', operands: [only!, ...more] }
}

export function allOf(...conditions: readonly Visibility[]): Visibility {
  const operands = conditions.filter((condition) => condition !== null)
  return operands.length > 1 ? { operator: 'and', operands } : (operands[0] ?? null)
}

/** Whether a question is asked, given the answers so far. */
export function isVisible(visibility: Visibility, config: Readonly<Record<string, unknown>>): boolean {
  if (visibility === null) return true
  if ('name' in visibility) return config[visibility.name] === visibility.value
  return visibility.operator === 'and'
    ? visibility.operands.every((operand) => isVisible(operand, config))
    : visibility.operands.some((operand) => isVisible(operand, config))
}
