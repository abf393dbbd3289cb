import type { ServiceName } from './service-name.js'

/** "This thing is now so": the whole public state of one stream. The contract between services. */
export interface ChangeMessage<State = unknown> {
  /** For example `ContentChanged`. */
  readonly type: string
  /** A break of the contract raises this and takes a second subject beside the first. */
  readonly schema_version: 1
  /** Raised with every additive change of what is published, so that a repair of the same version is applied. */
  readonly revision: number
  /** The stream's version that this state shows. */
  readonly version: number
  /** Types of the events since the last message. For logs only: messages coalesce and repeat. */
  readonly cause: readonly string[]
  /** `null` once the thing is deleted. The version is kept, so that a late message cannot bring it back. */
  readonly state: State | null
}

/** Sent every few seconds on `<service>.heartbeat`, in the same JetStream stream as the changes. */
export interface Heartbeat {
  readonly type: 'Heartbeat'
  /** RFC 3339, the publisher's database clock: every change before this instant has been announced. */
  readonly complete_until: string
  /** RFC 3339, the publisher's database clock when it was sent. `sent_at − complete_until` is the backlog's age. */
  readonly sent_at: string
}

/** What of a service is published, and under which name. */
export interface ChangeContract<State> {
  readonly service: ServiceName
  /** The stream category, and the middle of the subject: `<service>.<category>.<guid>`. */
  readonly category: string
  readonly type: string
  readonly revision: number
  /** The class that validates `state` where it arrives. */
  readonly state: new () => State
}

export const changeSubject = (contract: ChangeContract<unknown>, guid: string): string =>
  `${contract.service}.${contract.category}.${guid}`

export const heartbeatSubject = (service: ServiceName): string => `${service}.heartbeat`

/** One JetStream stream a service, keeping the last message of each subject. */
export const jetStreamName = (service: ServiceName): string => service.toUpperCase()
