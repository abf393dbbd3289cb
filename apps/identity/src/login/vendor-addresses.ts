/** Where the vendors are whose addresses no setting names. */
export interface VendorAddresses {
  readonly googleIssuer: string
  /** Google's People API. */
  readonly people: string
  /** The origin of Entra's issuers: only logins there may have groups that Microsoft Graph knows. */
  readonly entra: string
  /** Microsoft Graph. */
  readonly graph: string
}

/** The provider of `VendorAddresses`; specs override it. */
export const VENDOR_ADDRESSES = Symbol('VENDOR_ADDRESSES')

export const REAL_VENDOR_ADDRESSES: VendorAddresses = {
  googleIssuer: 'https://accounts.google.com',
  people: 'https://people.googleapis.com',
  entra: 'https://login.microsoftonline.com',
  graph: 'https://graph.microsoft.com',
}
