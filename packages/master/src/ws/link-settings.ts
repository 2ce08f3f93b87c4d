import type { SiteNetwork } from '@paravcl/shared/domain/slave';

/** Times of a link, milliseconds. */
export interface LinkTimings {
  readonly heartbeatMs: number;
  /** From the connection to an accepted hello. */
  readonly handshakeMs: number;
  /** A link on which nothing was heard for so long is half-open: it is closed, the agent dials again. */
  readonly silenceMs: number;
  /** A frame that the socket did not take within this time means that nobody reads at the other end. */
  readonly drainMs: number;
}

export interface LinkLimits {
  /** Bytes waiting to be sent to one agent. */
  readonly maxBufferedBytes: number;
  /** Frames of one agent that wait to be handled; above it the socket is not read. */
  readonly maxQueuedFrames: number;
  readonly maxConnections: number;
  /** Connections that have not proved who they are: each may hold one frame of `maxFrameBytes`. */
  readonly maxUnproven: number;
  readonly maxUnprovenPerAddress: number;
  /** Hellos from one address that proved the key of no slave of ours; above it the address has to wait. */
  readonly maxStrangersPerMinute: number;
}

export interface LinkSettings {
  readonly siteId: string;
  readonly network: SiteNetwork;
  readonly timings: LinkTimings;
  readonly limits: LinkLimits;
}

/**
 * The link's times from the fleet's. A link is given up half-way to `lost`, so that an agent behind a
 * dead connection has dialled again before its slave counts as lost. The handshake leaves an agent time
 * to describe its host, and the master time to greet a whole fleet after its restart.
 */
export function linkTimings(fleet: { readonly heartbeatMs: number; readonly lostAfterMs: number }): LinkTimings {
  const silenceMs = Math.max(fleet.lostAfterMs / 2, 2 * fleet.heartbeatMs);
  return { heartbeatMs: fleet.heartbeatMs, handshakeMs: 20_000, silenceMs, drainMs: silenceMs };
}

/** Room for the 5,000 slaves of the scale issue; an address stands for a whole lab behind NAT. */
export const defaultLimits: LinkLimits = {
  maxBufferedBytes: 16 * 1024 * 1024,
  maxQueuedFrames: 32,
  maxConnections: 12_000,
  maxUnproven: 1_000,
  maxUnprovenPerAddress: 250,
  maxStrangersPerMinute: 300,
};

/** The part of pino the link needs. */
export interface LinkLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
