import type { ServiceName } from '#libs/contracts'
import { createPino } from './log/logger.js'
import { Deployment } from './settings/deployment.js'

/**
 * Runs a command of a service, such as its migrations, and ends the process: with 0 and one line that tells what came
 * of it, or with 1 and the reason.
 */
export async function runCommand(
  service: ServiceName,
  command: string,
  work: (deployment: Deployment) => Promise<object>,
): Promise<never> {
  let code = 0
  let pino = createPino(new Deployment({ service }))
  try {
    const deployment = Deployment.forMigration(service)
    pino = createPino(deployment)
    pino.info(await work(deployment), command)
  } catch (error) {
    pino.fatal({ err: error }, `${command} failed`)
    code = 1
  }
  await new Promise<void>((resolve) => pino.flush(() => resolve()))
  process.exit(code)
}
