import { migrate } from '#libs/event-sourcing'
import { Deployment, runCommand } from '#libs/service'
import { migrations } from './migrations/index.js'

await runCommand('identity', async () => ({
  migrated: await migrate(Deployment.forMigration('identity').databaseOwnerUrl.reveal(), migrations),
}))
