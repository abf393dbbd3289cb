import { ApiProperty, getSchemaPath } from '@nestjs/swagger'
import type { Question, Template } from './template.js'
import type { Visibility } from './visibility.js'

/** When something is shown: one option has a value, or several conditions together. */
export class VisibilityExpression {
  @ApiProperty({ description: 'An option.', required: false })
  name?: string

  @ApiProperty({
    description: 'The value that it must have.',
    required: false,
    oneOf: [{ type: 'string' }, { type: 'boolean' }],
  })
  value?: string | boolean

  @ApiProperty({ description: 'How `operands` count together.', required: false, enum: ['and', 'or'] })
  operator?: 'and' | 'or'

  @ApiProperty({ description: 'Expressions like this one.', required: false, type: [VisibilityExpression] })
  operands?: VisibilityExpression[]
}

const visibility = () => ({
  description: 'When it is asked; `null` for always.',
  nullable: true,
  allOf: [{ $ref: getSchemaPath(VisibilityExpression) }],
})

export class TemplateSection {
  @ApiProperty({ description: 'Unique in the template.' })
  id: string

  @ApiProperty({ description: 'Where it stands, from 1.' })
  order: number

  @ApiProperty({ description: 'Its heading.' })
  name: string

  @ApiProperty({ description: 'What has to be done elsewhere before the form is filled in.' })
  description: string
}

export class TemplateOption {
  @ApiProperty({
    description: 'Its key in `config`. Twice where different values can be chosen from at different times.',
  })
  name: string

  @ApiProperty({ description: 'What to write beside it.' })
  label: string

  @ApiProperty({ description: 'What it means.' })
  description: string

  @ApiProperty({ description: 'Where it stands, from 1.' })
  order: number

  @ApiProperty({ description: 'How it is asked.', enum: ['bool', 'select'] })
  type: 'bool' | 'select'

  @ApiProperty({
    description: 'What can be chosen.',
    type: 'array',
    items: { oneOf: [{ type: 'string' }, { type: 'boolean' }] },
  })
  values: (string | boolean)[]

  @ApiProperty({
    description: 'What holds when nothing is chosen; `null` when something has to be.',
    nullable: true,
    oneOf: [{ type: 'string' }, { type: 'boolean' }],
  })
  default: string | boolean | null

  @ApiProperty(visibility())
  visibility_expression: VisibilityExpression | null
}

export class TemplateField {
  @ApiProperty({ description: 'Its key in `config`. Twice where it begins with different values at different times.' })
  name: string

  @ApiProperty({ description: 'What to write beside it.' })
  label: string

  @ApiProperty({ description: 'What it means, and where to get it.' })
  description: string

  @ApiProperty({ description: 'Where it stands, from 1.' })
  order: number

  @ApiProperty({ description: 'What is taken when it is left out; may be empty.' })
  default: string

  @ApiProperty({ description: 'A regular expression for it, also when it is left out; empty when anything goes.' })
  validation: string

  @ApiProperty({ description: 'What a good value is, for whoever has given another.' })
  validation_description: string

  @ApiProperty({ description: 'Whether it goes in and never comes out.' })
  secret: boolean

  @ApiProperty({ description: 'Whether it may have several lines.' })
  multiline: boolean

  @ApiProperty(visibility())
  visibility_expression: VisibilityExpression | null
}

/** What a kind of integration asks: forms are drawn from it. */
export class TemplateView {
  @ApiProperty({ description: 'The `template` of an integration.', example: 'custom' })
  id: string

  @ApiProperty({ description: 'What to call it.' })
  name: string

  @ApiProperty({ description: 'What it is for.' })
  description: string

  @ApiProperty({ description: 'What to read before filling in the form.', type: [TemplateSection] })
  sections: TemplateSection[]

  @ApiProperty({ description: 'What can be chosen.', type: [TemplateOption] })
  options: TemplateOption[]

  @ApiProperty({ description: 'What has to be typed.', type: [TemplateField] })
  fields: TemplateField[]

  @ApiProperty({ description: 'Always empty.', type: [String] })
  environment_variables: string[]
}

/** @param redirectUri where vendors send viewers back to */
export function templateView(
  { id, displayName, description, authTypes, questions }: Template,
  redirectUri: string,
): TemplateView {
  return {
    id,
    name: displayName,
    description,
    sections: authTypes.includes('Viewer') ? [applicationSection(displayName, redirectUri)] : [],
    options: questions.filter(({ choices }) => choices).map(optionView),
    fields: questions.filter(({ choices }) => !choices).map(fieldView),
    environment_variables: [],
  }
}

const applicationSection = (displayName: string, redirectUri: string): TemplateSection => ({
  id: 'application',
  order: 1,
  name: 'OAuth application',
  description: `Before viewers can consent, the application at ${displayName} has to be registered with the redirect URL ${redirectUri}`,
})

function optionView(
  { name, label, description, choices = [true], default: otherwise, visible }: Question,
  index: number,
): TemplateOption {
  const type = typeof choices[0] === 'boolean' ? 'bool' : 'select'
  return {
    ...{ name, label, description, order: index + 1, type, values: [...choices], default: otherwise ?? null },
    visibility_expression: expression(visible),
  }
}

function fieldView(question: Question, index: number): TemplateField {
  const { name, label, description, default: otherwise = '', validation, must, required, secret, visible } = question
  return {
    ...{ name, label, description, order: index + 1, default: String(otherwise) },
    validation: required ? validation || '^.+$' : validation && `${validation}|^$`,
    ...{ validation_description: `It must be ${must}.`, secret, multiline: false },
    visibility_expression: expression(visible),
  }
}

function expression(visible: Visibility): VisibilityExpression | null {
  if (visible === null) return null
  if ('name' in visible) return { ...visible }
  return { operator: visible.operator, operands: visible.operands.flatMap((operand) => expression(operand) ?? []) }
}
