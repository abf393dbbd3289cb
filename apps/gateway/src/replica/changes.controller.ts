import { Controller } from '@nestjs/common'
import { Ctx, EventPattern, Payload } from '@nestjs/microservices'
import { ChangeContext, Replicas } from '#libs/messaging'

/** What the gateway hears of the other services. */
@Controller()
export class ChangesController {
  constructor(private readonly replicas: Replicas) {}

  @EventPattern(['identity.user.*', 'identity.group.*', 'identity.api_key.*'])
  async people(@Payload() message: unknown, @Ctx() context: ChangeContext): Promise<void> {
    await this.replicas.handle(message, context)
  }

  @EventPattern(['integrations.content.*', 'integrations.integration.*'])
  async content(@Payload() message: unknown, @Ctx() context: ChangeContext): Promise<void> {
    await this.replicas.handle(message, context)
  }
}
