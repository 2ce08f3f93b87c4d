/**
 * What browsers and the master have to agree on about their WebSockets, without a schema: the portal loads it as it is.
 */

/** WebSocket on the master's port: a console of a guest, for who shows a ticket in the first message. */
export const consolePath = '/api/v1/console';

/** Why the master closes a console (RFC 6455 7.4.2: 4000 to 4999 are an application's own). The reason is a sentence for the person. */
export const consoleCloseCodes = {
  /** The console has ended where the guest is: it was suspended, stopped, or its slave went. Ask for a ticket again when it runs. */
  ended: 4000,
  /** The session has ended: log in. */
  loggedOut: 4001,
  /** This person may not any more, or somebody who may has ended it. */
  revoked: 4003,
  /** The ticket opens nothing: used, over, of another session, or never one. */
  unknownTicket: 4004,
  /** As many are connected as the site allows; the reason names the limit. */
  limit: 4029,
} as const;

/**
 * WebSocket on the master's port: tells a logged-in browser what changed of the things it may see, so that it asks for them again. It
 * carries no content: what somebody may read is decided by the route that gives it. The client sends nothing.
 */
export const feedPath = '/api/v1/feed';

/** Why the master closes the feed (RFC 6455 7.4.2). */
export const feedCloseCodes = { loggedOut: 4001 } as const;
