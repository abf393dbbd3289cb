import { Controller } from '@nestjs/common'
import { Ctx, EventPattern, Payload } from '@nestjs/microservices'
import { ApiExcludeController } from '@nestjs/swagger'
import { groupContract, userContract, type ChangeContract } from '#libs/contracts'
import { ChangeContext, Replicas } from '#libs/messaging'

/** What of identity this service keeps a copy of, as rows of the table `replica`. */
export const copied: readonly ChangeContract<unknown>[] = [userContract, groupContract]

/** Changes as they arrive. */
@ApiExcludeController()
@Controller()
export class ChangesController {
  constructor(private readonly replicas: Replicas) {}

  @EventPattern(['identity.user.*', 'identity.group.*'])
  apply(@Payload() change: unknown, @Ctx() context: ChangeContext): Promise<void> {
    return this.replicas.handle(change, context)
  }
}
