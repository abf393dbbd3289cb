import { IsIn, IsNotEmpty, IsOptional, IsUrl, Matches, Max, Min } from 'class-validator'
import { Section, Setting } from '../setting.js'

const KEY_PROVIDERS = ['file', 'environment', 'aws-kms', 'vault-transit'] as const
/** Where the keys of the safe can come from. */
export type KeyProvider = (typeof KEY_PROVIDERS)[number]

const ADDRESS = { message: 'must be an address such as https://vault.example:8200' }
const URL_OPTIONS = { protocols: ['http', 'https'], require_protocol: true, require_tld: false }
const NOT_EMPTY = { message: 'must not be empty' }

/** Where the keys come from that protect every stored secret. */
@Section('Safe', 'Where the keys come from that protect every stored secret; [keys.md](keys.md) tells how they change.')
export class SafeSettings {
  @Setting(
    'string',
    'Who makes new keys: file, environment (development only), aws-kms or vault-transit. Older ones open as long as they are given.',
  )
  @IsIn(KEY_PROVIDERS, { message: `must be one of ${KEY_PROVIDERS.join(', ')}` })
  keyProvider: KeyProvider = 'file'

  @Setting('string', 'ID, ARN or alias of the key in AWS KMS that wraps ours.')
  @IsOptional()
  @IsNotEmpty(NOT_EMPTY)
  awsKmsKey?: string

  @Setting('string', 'Region of AWS KMS; without it what AWS’s own tools would take.')
  @IsOptional()
  @IsNotEmpty(NOT_EMPTY)
  awsKmsRegion?: string

  @Setting('string', 'Address of AWS KMS, such as an interface endpoint of the VPC; without it AWS’s own.')
  @IsOptional()
  @IsUrl(URL_OPTIONS, ADDRESS)
  awsKmsEndpoint?: string

  @Setting(
    'string',
    'Address of HashiCorp Vault or OpenBao, whose transit engine wraps our keys; https unless loopback.',
  )
  @IsOptional()
  @IsUrl(URL_OPTIONS, ADDRESS)
  transitAddress?: string

  @Setting('string', 'Where the transit engine is mounted.')
  @Matches(/^[\w.-]+(\/[\w.-]+)*$/, { message: 'must be a path such as transit' })
  transitMount = 'transit'

  @Setting('string', 'Name of the key in the transit engine.')
  @IsOptional()
  @IsNotEmpty(NOT_EMPTY)
  transitKey?: string

  @Setting(
    'string',
    'Absolute path of a file, mode 0600, with the token for Vault or OpenBao; it is read for each call.',
  )
  @IsOptional()
  @Matches(/^\//, { message: 'must be an absolute path' })
  transitTokenFile?: string

  @Setting('string', 'Namespace in Vault or OpenBao.')
  @IsOptional()
  @IsNotEmpty(NOT_EMPTY)
  transitNamespace?: string

  /** Milliseconds. */
  @Setting(
    'duration',
    'How long a key is held in memory after AWS KMS or the transit engine has last unwrapped it; asked again after a quarter. At most 24h.',
  )
  @Min(60_000, { message: 'must be at least 1m' })
  @Max(86_400_000, { message: 'must be at most 24h' })
  keyLifetimeMs = 14_400_000
}
