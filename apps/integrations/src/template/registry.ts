import { DomainError } from '#libs/contracts'
import { custom } from './custom.js'
import type { Template } from './template.js'

const TEMPLATES: ReadonlyMap<string, Template> = new Map([custom].map((template) => [template.id, template]))

/** @throws DomainError `template.not_found` */
export function templateById(id: string): Template {
  const template = TEMPLATES.get(id)
  if (!template) {
    const known = [...TEMPLATES.keys()].join(', ')
    throw new DomainError('not_found', 'template.not_found', `There is no such template. Templates: ${known}.`)
  }
  return template
}
