import { JetStreamServer } from '#libs/messaging'
import {
  AuthorizationSettings,
  ContentSettings,
  DevelopmentSettings,
  ExchangeSettings,
  SafeSettings,
  ServerSettings,
  startService,
} from '#libs/service'
import { AppModule } from './app.module.js'
import { Refreshes, STORE_WITHIN_MS } from './grant/refresh.js'

await startService({
  name: 'vault',
  module: AppModule,
  settings: [
    AuthorizationSettings,
    ContentSettings,
    DevelopmentSettings,
    ExchangeSettings,
    SafeSettings,
    ServerSettings,
  ],
  prepare: (app) => {
    app.connectMicroservice({ strategy: app.get(JetStreamServer) })
  },
  // A refresh in hand may hold the only good token: it may take the time that the provider has, and be stored.
  finish: (app) => app.get(Refreshes).finish(),
  stopWithinMs: (settings) => settings.get(ExchangeSettings).tokenRequestTimeoutMs + STORE_WITHIN_MS,
})
