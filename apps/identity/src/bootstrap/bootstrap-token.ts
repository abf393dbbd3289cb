import { jwtVerify } from 'jose'
import { DomainError } from '#libs/contracts'

const LONGEST_SECONDS = 900
const LEEWAY_SECONDS = 60

/**
 * Checks the word of somebody who holds the bootstrap secret.
 * @throws DomainError `bootstrap.token_invalid` for anything that is wrong with it
 */
export async function checkBootstrapToken(
  token: string | undefined,
  key: Uint8Array | undefined,
  now: Date = new Date(),
): Promise<void> {
  if (!token || !key) throw invalid()
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['HS256'],
      issuer: 'rsconnect-python',
      audience: 'rsconnect',
      requiredClaims: ['exp'],
      currentDate: now,
    })
    const lifetime = payload.exp! - now.getTime() / 1000
    if (payload['scope'] !== 'bootstrap' || lifetime > LONGEST_SECONDS + LEEWAY_SECONDS) throw invalid()
  } catch {
    throw invalid()
  }
}

const invalid = (): DomainError =>
  new DomainError(
    'unauthenticated',
    'bootstrap.token_invalid',
    'The bootstrap token is not valid, or Bootstrap.SecretKey is not set.',
  )
