import { Module, type Type } from '@nestjs/common'
import type { OpenAPIObject } from '@nestjs/swagger'
import type { ServiceName } from '#libs/contracts'
import { ServiceModule } from './service.module.js'
import { Deployment } from './settings/deployment.js'
import { SECTIONS, Settings } from './settings/load-settings.js'

/**
 * The OpenAPI document of a service's public routes, from its own decorators: without a database, a broker or a
 * setting, since nothing of the module is instantiated.
 */
export async function openApiOf(service: ServiceName, module: Type): Promise<OpenAPIObject> {
  // Loaded here: a process that serves has no need of the generator.
  const [{ NestFactory }, { DocumentBuilder, SwaggerModule }] = await Promise.all([
    import('@nestjs/core'),
    import('@nestjs/swagger'),
  ])
  const settings = new Settings(new Map(SECTIONS.map((section) => [section, new section()])))
  class Root {}
  Module({ imports: [ServiceModule.forRoot({ deployment: new Deployment({ service }), settings }), module] })(Root)
  const app = await NestFactory.create(Root, { preview: true, abortOnError: false, logger: false })
  return SwaggerModule.createDocument(app, new DocumentBuilder().build())
}

/** Prints the document, for `npm run docs` to merge. */
export async function printOpenApi(service: ServiceName, module: Type): Promise<void> {
  process.stdout.write(JSON.stringify(await openApiOf(service, module)))
}
