import { XSRF_COOKIE } from '#libs/contracts'

const NAMES = new RegExp(`^(?:(?:__host-|__secure-)?keybearer_|${XSRF_COOKIE}$)`, 'i')

/** Whether a cookie is the house's: content never receives one and can never set one. */
export const isOwnCookie = (name: string): boolean => NAMES.test(name)
