import { registerDecorator } from 'class-validator'
import { Section, Setting } from '../setting.js'

const LISTEN = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]]*)):(\d{1,5})$/
const USUAL_PORT = 3939
const MOST = 65_535

@Section('HTTP', 'The listener that the world reaches.')
export class HttpSettings {
  @Setting('string', 'Address and port on which the gateway listens; without an address, on all.')
  @IsListen()
  listen = `:${USUAL_PORT}`

  /** `undefined`: on every address. */
  get host(): string | undefined {
    const [, bracketed, plain] = LISTEN.exec(this.listen) ?? []
    return bracketed || plain || undefined
  }

  get port(): number {
    return Number(LISTEN.exec(this.listen)?.[3])
  }

  /** A port to name to people on this machine, also while `Listen` is not sound or leaves the choice to the system. */
  get localPort(): number {
    return this.port >= 1 && this.port <= MOST ? this.port : USUAL_PORT
  }
}

function IsListen(): PropertyDecorator {
  return (prototype, property) =>
    registerDecorator({
      name: 'isListen',
      target: prototype.constructor,
      propertyName: String(property),
      options: { message: 'must be of the form :port or address:port' },
      validator: { validate: (text: string) => Number(LISTEN.exec(text)?.[3]) <= MOST },
    })
}
