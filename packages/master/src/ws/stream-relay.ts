import type { Clock } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import { splice } from '@paravcl/shared/protocol/splice';
import type { MigrationChannel, StreamEnd, StreamHello } from '@paravcl/shared/protocol/streams';
import { guestStreamProtocolVersion, streamProtocolVersion } from '@paravcl/shared/protocol/version';
import type { Duplex } from 'node:stream';
import type { AgentPort } from '../services/ports';
import type { LinkLog } from './link-settings';
import { newStreamTicket, streamTicketKey } from '../services/stream-ticket';
import { streamCloseCodes, type StreamSocket } from './stream-socket';

/** A slave that was asked for a stream must be there within this time. */
const joinWithinMs = 10_000;
const mostStreamsOfLine = 8;

/** Between whom the streams of a migration go. */
export interface LineAsked {
  readonly migrationId: string;
  readonly fromSlaveId: string;
  readonly toSlaveId: string;
  /** The one that the source was told already; absent: a new one. */
  readonly ticket?: string;
}

export interface StreamLine {
  readonly migrationId: string;
  /** For the source's order `sent`. It opens streams until the line is closed. */
  readonly ticket: string;
}

/** A stream whose near end is known and whose far one has been asked to dial. */
interface Awaited {
  readonly slaveId: string;
  readonly resolve: (stream: Duplex) => void;
  readonly fail: (error: unknown) => void;
}

/** One stream of a line: it is between the two, or waits for the destination. */
interface LineStream {
  readonly asker: StreamSocket;
  far: Duplex | null;
}

interface Line extends StreamLine {
  readonly fromSlaveId: string;
  readonly toSlaveId: string;
  readonly key: string;
  readonly streams: Set<LineStream>;
}

export interface StreamRelayParts {
  readonly agents: Pick<AgentPort, 'protocolOf' | 'command'>;
  readonly clock: Clock;
  readonly log: LinkLog;
}

/**
 * Streams of bytes to slaves and between them. Nobody dials a slave: it is told a ticket over its link, dials the master with it
 * (`agentStreamPath`), and is joined with whom it was told for. A ticket is used once; that of a line, for which two slaves were
 * paired by a decision of ours, opens as many streams as a migration needs. Nothing of it outlives this process: a master that
 * starts opens the lines again, with the tickets that were told.
 */
export class StreamRelay {
  private readonly lines = new Map<string, Line>();
  private readonly linesByKey = new Map<string, Line>();
  private readonly awaited = new Map<string, Awaited>();
  /** Streams to slaves that are open, and of which slave. */
  private readonly joined = new Map<Duplex, string>();
  private stopping = false;

  constructor(private readonly parts: StreamRelayParts) {}

  /**
   * From now on the source reaches the destination with the line's ticket. Asked again for the same migration it is the same line,
   * and what goes over it goes on; with other slaves or another ticket the earlier one is closed.
   */
  openLine({ migrationId, fromSlaveId, toSlaveId, ticket }: LineAsked): StreamLine {
    const there = this.lines.get(migrationId);
    if (there !== undefined && there.fromSlaveId === fromSlaveId && there.toSlaveId === toSlaveId && (ticket === undefined || ticket === there.ticket)) return there;
    this.closeLine(migrationId);
    const given = ticket ?? newStreamTicket();
    const line: Line = { migrationId, fromSlaveId, toSlaveId, ticket: given, key: streamTicketKey(given), streams: new Set() };
    this.lines.set(migrationId, line);
    this.linesByKey.set(line.key, line);
    return line;
  }

  /** Its ticket opens nothing any more, and its streams end at once. Harmless when there is no such line. */
  closeLine(migrationId: string): void {
    const line = this.lines.get(migrationId);
    if (line === undefined) return;
    this.lines.delete(migrationId);
    this.linesByKey.delete(line.key);
    endStreams(line, streamCloseCodes.ended, 'The migration has ended.');
  }

  /**
   * Has a slave dial, and join what it is to be joined to. The answer is that stream: it is read no faster than the slave's end is, takes writes of at most 1 MiB,
   * and ends with it; who has it must end it. `slaveName` is for the sentences of errors. Throws ParavclError `slave-offline`, `slave-refused` with the slave's sentence, or `timeout`.
   */
  async join(slaveId: string, end: StreamEnd, slaveName?: string): Promise<Duplex> {
    const { agents, clock } = this.parts;
    if (this.stopping) throw new ParavclError('not-ready', 'The master is stopping.');
    const protocol = agents.protocolOf(slaveId);
    if (protocol === null) throw new ParavclError('slave-offline', `${slaveName ?? 'The other host'} is not connected now.`);
    const agent = slaveName === undefined ? "The other host's agent" : `The agent of ${slaveName}`;
    const [what, since] = end.kind === 'migration' ? ['streams', streamProtocolVersion] : [end.kind === 'port' ? 'ports of guests' : 'consoles', guestStreamProtocolVersion];
    if (protocol < since) throw new ParavclError('slave-refused', `${agent} speaks protocol ${protocol}; ${what} came with ${since}. Upgrade it.`);
    const ticket = newStreamTicket();
    const key = streamTicketKey(ticket);
    return new Promise((resolve, reject) => {
      const forget = (): void => {
        this.awaited.delete(key);
        cancel();
      };
      const fail = (error: unknown): void => {
        forget();
        reject(error instanceof Error ? error : new Error(String(error)));
      };
      const cancel = clock.after(joinWithinMs, () => fail(new ParavclError('timeout', `${slaveName ?? 'The other host'} did not dial within ${joinWithinMs / 1000} s.`, { limit: `${joinWithinMs} ms` })));
      this.awaited.set(key, {
        slaveId,
        fail,
        resolve: (stream) => {
          forget();
          this.joined.set(stream, slaveId);
          stream.once('close', () => this.joined.delete(stream));
          resolve(stream);
        },
      });
      agents.command(slaveId, { kind: 'open-stream', ticket, end }, { generation: null, deadlineMs: joinWithinMs }).then(({ outcome }) => {
        if (!outcome.ok) fail(new ParavclError('slave-refused', outcome.message));
      }, fail);
    });
  }

  /** One has dialled and shown a ticket. False when it opens nothing: the door hangs up. */
  enter({ ticket, channel }: StreamHello, socket: StreamSocket): boolean {
    const key = streamTicketKey(ticket);
    const awaited = this.awaited.get(key);
    if (awaited !== undefined) {
      awaited.resolve(socket.open());
      return true;
    }
    const line = this.linesByKey.get(key);
    if (line === undefined) return false;
    if (channel === undefined) socket.hangUp(streamCloseCodes.policy, 'This ticket is of a migration: name the channel.');
    else if (line.streams.size >= mostStreamsOfLine) socket.hangUp(streamCloseCodes.tryAgain, `${mostStreamsOfLine} streams of this migration are open, the most there may be.`);
    else void this.carry(line, channel, socket);
    return true;
  }

  /** The slave is let in no more: no stream to it or from it goes on. */
  shutOut(slaveId: string): void {
    for (const line of [...this.lines.values()]) {
      if (line.fromSlaveId === slaveId || line.toSlaveId === slaveId) this.closeLine(line.migrationId);
    }
    for (const one of [...this.awaited.values()]) {
      if (one.slaveId === slaveId) one.fail(new ParavclError('slave-offline', 'The other host is let in no more.'));
    }
    for (const [stream, of] of this.joined) if (of === slaveId) stream.destroy();
  }

  /** Nobody waits for a stream any more. The door ends those that are open. */
  close(): void {
    this.stopping = true;
    for (const one of [...this.awaited.values()]) one.fail(new ParavclError('not-ready', 'The master is stopping.'));
  }

  private async carry(line: Line, channel: MigrationChannel, asker: StreamSocket): Promise<void> {
    const { migrationId, toSlaveId } = line;
    const stream: LineStream = { asker, far: null };
    line.streams.add(stream);
    try {
      const far = (stream.far = await this.join(toSlaveId, { kind: 'migration', migrationId, channel }));
      if (asker.isGone) far.destroy();
      else await splice(asker.open(), far);
    } catch (error) {
      const sentence = error instanceof ParavclError ? error.message : 'A fault of the master. Try again.';
      this.parts.log.warn({ migrationId, channel, slaveId: toSlaveId, err: error }, 'a stream of a migration could not be opened');
      asker.hangUp(streamCloseCodes.tryAgain, sentence);
    } finally {
      line.streams.delete(stream);
    }
  }
}

function endStreams(line: Line, code: number, sentence: string): void {
  for (const { asker, far } of line.streams) {
    asker.hangUp(code, sentence);
    far?.destroy();
  }
}
