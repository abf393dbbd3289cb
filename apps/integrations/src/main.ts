import { JetStreamServer } from '#libs/messaging'
import { startService } from '#libs/service'
import { AppModule } from './app.module.js'
import { INTEGRATIONS_SETTINGS } from './config.js'

await startService({
  name: 'integrations',
  module: AppModule,
  settings: INTEGRATIONS_SETTINGS,
  prepare: (app) => {
    app.connectMicroservice({ strategy: app.get(JetStreamServer) })
  },
})
