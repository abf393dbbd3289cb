import { JetStreamServer } from '#libs/messaging'
import { ContentSettings, DevelopmentSettings, ExchangeSettings, ServerSettings, startService } from '#libs/service'
import { AppModule } from './app.module.js'

await startService({
  name: 'vault',
  module: AppModule,
  settings: [ContentSettings, DevelopmentSettings, ExchangeSettings, ServerSettings],
  prepare: (app) => {
    app.connectMicroservice({ strategy: app.get(JetStreamServer) })
  },
  // A refresh in hand may hold the only good token: it may take its time.
  stopWithinMs: 25_000,
})
