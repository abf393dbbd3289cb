import { Logger } from '@nestjs/common'
import { REQUESTED_TOKEN_TYPE, Secret, type IntegrationState } from '#libs/contracts'
import type { IdTokens } from '#libs/oauth'
import { GrantIdTokens } from './grant-id-tokens.js'

Logger.overrideLogger(false)

const integration: IntegrationState = {
  guid: '6f1c2f4e-6a3b-4a53-9d5e-0f3f0c2b7a11',
  name: 'aws',
  auth_type: 'Viewer',
  authorization_server: null,
  client: null,
  quirks: [],
  issues: { type: REQUESTED_TOKEN_TYPE.temporaryCredentials },
}

describe('the ID token that came with new tokens', () => {
  it.each<[string, () => ReturnType<IdTokens['verify']>]>([
    ['cannot be judged, for whatever reason', () => Promise.reject(new TypeError('of ours'))],
    ['has an end that is no date', () => Promise.resolve({ subject: 'vera', expiresAt: new Date(NaN) })],
  ])('R02 is unverified and keeps nobody from storing them when it %s', async (_, verify) => {
    const idTokens = new GrantIdTokens({ verify } as unknown as IdTokens)
    expect(await idTokens.of(integration, { idToken: new Secret('canary') })).toEqual({
      idToken: null,
      facts: { fault: 'unverified' },
    })
  })
})
