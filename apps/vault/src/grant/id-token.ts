/** Seconds that an ID token must still be good for to be sent away: its reader has a clock of its own. */
const TRADABLE_SECONDS = 15

/** Whether a viewer's ID token may still be traded for what content gets. */
export const isTradable = (expiresAt: Date, now: Date): boolean =>
  expiresAt.getTime() - now.getTime() > TRADABLE_SECONDS * 1000
