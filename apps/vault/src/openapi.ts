import { printOpenApi } from '#libs/service'
import { AppModule } from './app.module.js'

await printOpenApi('vault', AppModule)
