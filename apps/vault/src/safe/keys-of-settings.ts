import type { Deployment, SafeSettings } from '#libs/service'
import { AwsKms } from './aws-kms.js'
import type { KeyService } from './key-service.js'
import type { SafeKeysOptions } from './safe-keys.js'
import { VaultTransit } from './vault-transit.js'

/** Every source of keys that the settings and the deployment name; the one of `KeyProvider` makes new ones. */
export function keysOfSettings(
  { safeKeyFile, safeKeys }: Pick<Deployment, 'safeKeyFile' | 'safeKeys'>,
  settings: SafeSettings,
): SafeKeysOptions {
  const { keyProvider: provider, keyLifetimeMs: lifetimeMs } = settings
  return {
    provider,
    file: provider === 'environment' ? undefined : safeKeyFile,
    text: provider === 'environment' ? safeKeys : undefined,
    services: servicesOf(settings),
    lifetimeMs,
  }
}

function servicesOf(settings: SafeSettings): KeyService[] {
  const { awsKmsKey, awsKmsRegion, awsKmsEndpoint } = settings
  const { transitAddress, transitMount, transitKey, transitTokenFile, transitNamespace } = settings
  const services: KeyService[] = []
  if (awsKmsKey !== undefined) {
    services.push(new AwsKms({ key: awsKmsKey, region: awsKmsRegion, endpoint: awsKmsEndpoint }))
  }
  if (transitAddress !== undefined && transitKey !== undefined && transitTokenFile !== undefined) {
    services.push(
      new VaultTransit({
        address: transitAddress,
        mount: transitMount,
        key: transitKey,
        tokenFile: transitTokenFile,
        namespace: transitNamespace,
      }),
    )
  }
  return services
}
