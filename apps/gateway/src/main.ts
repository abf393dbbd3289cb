import type { NestExpressApplication } from '@nestjs/platform-express'
import { JetStreamServer } from '#libs/messaging'
import { startService } from '#libs/service'
import { AppModule } from './app.module.js'
import { GATEWAY_SETTINGS } from './config.js'
import { PublicDoor } from './door/public-door.js'

const app: NestExpressApplication = await startService({
  name: 'gateway',
  module: AppModule,
  settings: GATEWAY_SETTINGS,
  prepare: (created) => void created.connectMicroservice({ strategy: created.get(JetStreamServer) }),
  stop: (stopped, withinMs) => stopped.get(PublicDoor).close(withinMs),
})
await app.get(PublicDoor).open()
