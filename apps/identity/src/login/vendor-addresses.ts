/** Where the vendors are whose addresses no setting names. */
export interface VendorAddresses {
  readonly googleIssuer: string
  /** Google's People API. */
  readonly people: string
  /** Microsoft Graph. */
  readonly graph: string
}

/** The provider of `VendorAddresses`; specs override it. */
export const VENDOR_ADDRESSES = Symbol('VENDOR_ADDRESSES')

export const REAL_VENDOR_ADDRESSES: VendorAddresses = {
  googleIssuer: 'https://accounts.google.com',
  people: 'https://people.googleapis.com',
  graph: 'https://graph.microsoft.com',
}
