import type { StreamEnd, StreamHello } from '@paravcl/shared/protocol/streams';
import { splice } from '@paravcl/shared/protocol/splice';
import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';

/** Where the streams lead that the master asks this slave for. */
export interface StreamTargets {
  /** Throws with a sentence for the master when there is nothing of that kind here. */
  connect(end: StreamEnd): Promise<Duplex>;
}

interface StreamJoinParts {
  readonly targets: StreamTargets;
  dial(hello: StreamHello): Promise<Duplex>;
}

/** Tickets that are remembered: a command that came twice comes again within its deadline. */
const rememberedTickets = 256;

/** Joins what is here to streams of the master's, as it asks (`open-stream`). */
export class StreamJoins {
  /** By hash of the ticket: how it went. A command that comes twice is done once. */
  private readonly joined = new Map<string, Promise<void>>();
  private readonly open = new Set<Duplex>();
  private stopped = false;

  constructor(private readonly parts: StreamJoinParts) {}

  /** Resolves when bytes go both ways. Throws with a sentence. */
  join({ ticket, end }: { readonly ticket: string; readonly end: StreamEnd }): Promise<void> {
    const key = createHash('sha256').update(ticket).digest('base64');
    const earlier = this.joined.get(key);
    if (earlier !== undefined) return earlier;
    const joining = this.connect(ticket, end);
    this.joined.set(key, joining);
    for (const oldest of this.joined.keys()) {
      if (this.joined.size <= rememberedTickets) break;
      this.joined.delete(oldest);
    }
    return joining;
  }

  /** Ends every stream. */
  stop(): void {
    this.stopped = true;
    for (const stream of this.open) stream.destroy();
  }

  private async connect(ticket: string, end: StreamEnd): Promise<void> {
    const local = await this.parts.targets.connect(end);
    local.on('error', () => undefined);
    let remote: Duplex;
    try {
      remote = await this.parts.dial({ ticket });
    } catch (error) {
      local.destroy();
      throw error;
    }
    if (this.stopped) local.destroy();
    this.open.add(remote);
    void splice(local, remote).then(() => this.open.delete(remote));
  }
}
