import { Matches } from 'class-validator'
import { Section, Setting } from '../setting.js'

const LISTEN = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]]*)):(\d{1,5})$/

@Section('HTTP', 'The listener that the world reaches.')
export class HttpSettings {
  @Setting('string', 'Address and port on which the gateway listens; without an address, on all.')
  @Matches(LISTEN, { message: 'must be of the form :port or address:port' })
  listen = ':3939'

  /** `undefined`: on every address. */
  get host(): string | undefined {
    const [, bracketed, plain] = LISTEN.exec(this.listen) ?? []
    return bracketed || plain || undefined
  }

  get port(): number {
    return Number(LISTEN.exec(this.listen)?.[3])
  }
}
