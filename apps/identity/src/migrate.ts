import { migrate } from '#libs/event-sourcing'
import { runCommand } from '#libs/service'
import { migrations } from './migrations/index.js'

await runCommand('identity', 'migrate', async ({ databaseOwnerUrl }) => ({
  migrations: await migrate(databaseOwnerUrl.reveal(), migrations),
}))
