import { JetStreamServer } from '#libs/messaging'
import {
  AuthorizationSettings,
  ContentSettings,
  DevelopmentSettings,
  ServerSettings,
  startService,
} from '#libs/service'
import { AppModule } from './app.module.js'

await startService({
  name: 'integrations',
  module: AppModule,
  settings: [AuthorizationSettings, ContentSettings, DevelopmentSettings, ServerSettings],
  prepare: (app) => {
    app.connectMicroservice({ strategy: app.get(JetStreamServer) })
  },
})
