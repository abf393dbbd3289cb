import { readFileSync } from 'node:fs'
import path from 'node:path'
import { ROOT } from '../house.js'

export interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly format?: string
  readonly enum?: readonly unknown[]
  readonly nullable?: boolean
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly minimum?: number
  readonly maximum?: number
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required?: boolean
  readonly schema?: Schema
}

export interface Operation {
  /** `GET /v1/content/{guid}`, as the tables name it. */
  readonly name: string
  readonly method: string
  /** Behind `/__api__`, with `{parameters}`. */
  readonly path: string
  readonly parameters: readonly Parameter[]
  /** By media type. */
  readonly bodies: Readonly<Record<string, Schema>>
}

interface OpenApi {
  readonly paths: Readonly<
    Record<
      string,
      Record<
        string,
        {
          readonly parameters?: readonly Parameter[]
          readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
        }
      >
    >
  >
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

const document = JSON.parse(readFileSync(path.join(ROOT, 'docs/openapi.json'), 'utf8')) as OpenApi

/** Every operation of the public API, as `docs/openapi.json` has them. */
export const OPERATIONS: readonly Operation[] = Object.entries(document.paths).flatMap(([full, operations]) =>
  Object.entries(operations).map(([verb, { parameters = [], requestBody }]) => {
    const method = verb.toUpperCase()
    const short = full.replace('/__api__', '')
    const bodies = Object.entries(requestBody?.content ?? {}).map(([type, { schema }]) => [type, schema] as const)
    return { name: `${method} ${short}`, method, path: short, parameters, bodies: Object.fromEntries(bodies) }
  }),
)

/** The schema itself, whatever it is called. */
export function resolved(schema: Schema): Schema {
  const name = schema.$ref?.replace('#/components/schemas/', '')
  return name === undefined ? schema : (document.components.schemas[name] ?? {})
}
