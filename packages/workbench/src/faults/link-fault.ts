/** How a link treats what passes it, until it is told otherwise. */
export type LinkFault =
  | { readonly kind: 'pass' }
  /** Everything arrives `ms` later, give or take `jitterMs`, in its order. */
  | { readonly kind: 'delay'; readonly ms: number; readonly jitterMs: number }
  /** New connections are reset; those that are there go on. */
  | { readonly kind: 'refuse' }
  /** Nothing arrives any more, and nobody is told. */
  | { readonly kind: 'half-open' }
  /** Nothing is taken any more: senders feel it as back-pressure. */
  | { readonly kind: 'stall' }
  /** Each direction of each connection carries so much. */
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number };

/** What a fault proxy did so far. */
export interface LinkCounters {
  /** Accepted, those that were then refused not counted. */
  readonly connections: number;
  readonly refused: number;
  /** Connections whose target did not answer; their client was reset. */
  readonly unreachable: number;
  /** Connections reset by `reset()`, or because they had lost something while half-open. */
  readonly resets: number;
  /** Connections cut in the middle of what they carried. */
  readonly cuts: number;
  readonly bytesToTarget: number;
  readonly bytesToClient: number;
  /** Bytes that a half-open link swallowed. */
  readonly bytesLost: number;
  /** Most that one direction of a connection ever held back in this process, in bytes. */
  readonly mostHeldBytes: number;
}

export type Counts = { -readonly [K in keyof LinkCounters]: LinkCounters[K] };

/** The link as its connections see it. */
export interface Link {
  readonly fault: LinkFault;
  readonly counts: Counts;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  /** True once for each cut that was ordered: whoever asks carries it out. */
  takeCut(): boolean;
}
