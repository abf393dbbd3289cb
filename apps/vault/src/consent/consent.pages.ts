import { CallbackError, TokenEndpointError } from '#libs/oauth'
import type { ConsentPage } from './consent.page.js'

export const noSuchIntegration: ConsentPage = {
  status: 404,
  title: 'Nothing to consent to',
  text: 'There is no such integration, it does not ask viewers, or nothing that you may see uses it. Whoever runs the content can say more.',
}

export const noViewers: ConsentPage = {
  status: 409,
  title: 'This content asks nobody',
  text: 'It runs without a viewer or is open to everybody, so that it can have nobody’s authorization. Its owner can change that.',
}

export const notLoggedIn: ConsentPage = {
  status: 401,
  title: 'You are not logged in here',
  text: 'The provider has sent you back, but not to the browser session that you left. Open the content again in the browser that you began with.',
}

export const unreadable: ConsentPage = {
  status: 400,
  title: 'The provider’s answer cannot be read',
  text: 'Open the content again. If this comes back, the administrator of this server has to look at the integration.',
}

export const notYours: ConsentPage = {
  status: 400,
  title: 'This consent was not begun here',
  text: 'It was begun elsewhere, or long ago. Open the content again to see whether it is still needed.',
}

export const begunByAnother: ConsentPage = {
  status: 400,
  title: 'Somebody else has begun this consent',
  text: 'Nothing has been authorized. Do not follow links to a provider that somebody sends you: open the content yourself.',
}

export const begunInAnotherSession = (href: string): ConsentPage => ({
  status: 400,
  title: 'You have logged in again meanwhile',
  text: 'The consent was begun before that, in a session that is over, so it does not count.',
  link: { href, label: 'Begin again' },
})

export const doneAlready = (href: string): ConsentPage => ({
  status: 400,
  title: 'This consent is done already',
  text: 'The provider’s answer counts once. If the content still asks for it, it can be given anew there.',
  link: { href, label: 'Go on' },
})

export const expired = (href: string): ConsentPage => ({
  status: 400,
  title: 'That took too long',
  text: 'A consent has to be finished within ten minutes.',
  link: { href, label: 'Begin again' },
})

export const integrationChanged = (href: string): ConsentPage => ({
  status: 400,
  title: 'The integration has changed meanwhile',
  text: 'An administrator has changed or removed it while you were at the provider.',
  link: { href, label: 'Begin again' },
})

export const mixedUp = (href: string): ConsentPage => ({
  status: 400,
  title: 'The answer came from another provider',
  text: 'Nothing has been authorized. If this comes back, the administrator of this server has to look at the integration.',
  link: { href, label: 'Begin again' },
})

/** @param relink begins again for the other account · @param back leaves all as it was */
export const anotherAccount = (name: string, relink: string, back: string): ConsentPage => ({
  status: 400,
  title: 'That was another account',
  text: `At ${name} you were logged in with another account than the one that content acts for so far, which has been kept.`,
  link: { href: back, label: 'Keep the former account' },
  other: { href: relink, label: 'Use the other account from now on' },
})

const declined = (name: string, href: string): ConsentPage => ({
  status: 403,
  title: 'You have not consented',
  text: `${name} says that access was denied. Without it this content cannot act for you there; only you can change that.`,
  link: { href, label: 'Ask me again' },
})

const refusedByProvider = (href: string): ConsentPage => ({
  status: 400,
  title: 'The provider refuses this integration',
  text: 'The administrator of this server has to look at its settings.',
  link: { href, label: 'Try again' },
})

const providerAway = (href: string): ConsentPage => ({
  status: 503,
  title: 'The provider does not answer as it should',
  text: 'Nothing is wrong on your side: try again in a while.',
  link: { href, label: 'Try again' },
})

/** Nothing of what the provider said is repeated to the browser. */
export function pageOf(error: unknown, again: string, name: string): ConsentPage | undefined {
  if (error instanceof CallbackError) {
    if (error.reason !== 'refused') return refusedByProvider(again)
    if (error.error === 'access_denied') return declined(name, again)
    return error.error === 'temporarily_unavailable' || error.error === 'server_error'
      ? providerAway(again)
      : refusedByProvider(again)
  }
  if (!(error instanceof TokenEndpointError)) return undefined
  return error.fate === 'retry' ? providerAway(again) : refusedByProvider(again)
}
