import { IsOptional, registerDecorator } from 'class-validator'
import { Secret } from '#libs/contracts'
import { Section, Setting } from '../setting.js'

const LEAST_BYTES = 32
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

@Section('Bootstrap', 'The first administrator without a browser.')
export class BootstrapSettings {
  @Setting(
    'secret',
    'Base64 of at least 32 random bytes: the key that signs bootstrap tokens. Without it there is no bootstrap.',
  )
  @IsOptional()
  @IsLongKey()
  secretKey?: Secret

  /** The bytes of `SecretKey`. */
  key(): Buffer | undefined {
    return this.secretKey && Buffer.from(this.secretKey.reveal(), 'base64')
  }
}

function IsLongKey(): PropertyDecorator {
  return (prototype, property) =>
    registerDecorator({
      name: 'isLongKey',
      target: prototype.constructor,
      propertyName: String(property),
      options: { message: `must be Base64 of at least ${LEAST_BYTES} bytes` },
      validator: {
        validate(value: unknown): boolean {
          if (!(value instanceof Secret)) return false
          const text = value.reveal()
          return BASE64.test(text) && Buffer.from(text, 'base64').length >= LEAST_BYTES
        },
      },
    })
}
