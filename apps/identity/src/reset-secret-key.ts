import { runCommand } from '#libs/service'
import { resetSecretKey } from './secret-key/known-secret-key.js'

await runCommand('identity', 'reset-secret-key', async ({ databaseOwnerUrl }) => ({
  forgotten: await resetSecretKey(databaseOwnerUrl.reveal()),
}))
