import {
  AuthenticationSettings,
  AuthorizationSettings,
  BootstrapSettings,
  ContentSettings,
  DevelopmentSettings,
  OAuth2Settings,
  ServerSettings,
  startService,
} from '#libs/service'
import { AppModule } from './app.module.js'

await startService({
  name: 'identity',
  module: AppModule,
  settings: [
    AuthenticationSettings,
    AuthorizationSettings,
    BootstrapSettings,
    ContentSettings,
    DevelopmentSettings,
    OAuth2Settings,
    ServerSettings,
  ],
})
