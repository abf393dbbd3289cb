import { ContentSettings, DevelopmentSettings, ServerSettings, startService } from '#libs/service'
import { AppModule } from './app.module.js'

await startService({
  name: 'integrations',
  module: AppModule,
  settings: [ContentSettings, DevelopmentSettings, ServerSettings],
})
