import type { Clock } from '@paravcl/shared/clock';
import type { Command, CommandOrder, CommandResult } from '@paravcl/shared/protocol/commands';
import type { Logger } from 'pino';
import { UnknownSnapshotError } from '../disks/disk-snapshots';
import type { DiskStore } from '../disks/disk-store';
import { HypervisorError, type HypervisorDriver } from '../hypervisor/driver';
import { commandRefusal, type CommandRefusal } from './command-refusal';
import type { HomeCommands } from './home-commands';
import type { Journal } from './journal';
import type { SnapshotCommands } from './snapshot-commands';

export interface CommandParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly journal: Journal;
  readonly driver: HypervisorDriver;
  readonly store: DiskStore;
  readonly snapshots: Pick<SnapshotCommands, 'freeze' | 'send' | 'end'>;
  readonly homes: Pick<HomeCommands, 'send' | 'drop'>;
  /** Joins a stream to what it names. Throws with a sentence; resolves when bytes go both ways. */
  readonly streams: { join(order: Extract<Command, { kind: 'open-stream' }>): Promise<void> };
  /** Has the host described anew; the answer goes to the master as a report. Throws when that failed. */
  describeNow(): Promise<void>;
  send(result: CommandResult): void;
}

/**
 * Whether a kind must not be done twice, so that its result has to be in the journal before it is sent. What only reads is
 * answered without: up to 0.9 MB is not worth a sync, and a duplicate is simply read again. Those of snapshots name what
 * they make, and a duplicate finds it made: the disk knows for which snapshots it is frozen, the master how much of it has
 * arrived, and to end twice is to end once. So with home volumes.
 */
export const commandEffects: Readonly<Record<Command['kind'], boolean>> = {
  'freeze-disks': false,
  'send-disk': false,
  'end-snapshot': false,
  'send-home': false,
  'drop-home': false,
  'open-stream': false,
  'serial-log': false,
  screenshot: false,
  describe: false,
};

/** A PNG that would not fit a frame is refused with this limit: base64 makes four bytes of three. */
const bodyLimit = 900_000;

/**
 * Carries out one-shot verbs. One that has effects is done at most once for one command id: its result is
 * in the journal before it is sent, stays there until the master has stored it, and answers every duplicate.
 */
export class Commands {
  private readonly underWay = new Set<string>();

  constructor(
    private readonly parts: CommandParts,
    private readonly effects = commandEffects,
  ) {}

  async carryOut(order: CommandOrder): Promise<void> {
    const { journal, log } = this.parts;
    const { commandId } = order;
    const earlier = journal.state.results.get(commandId);
    if (earlier !== undefined) return this.parts.send(earlier);
    if (this.underWay.has(commandId)) return;
    this.underWay.add(commandId);
    try {
      const result: CommandResult = { commandId, outcome: await this.outcome(order) };
      if (this.effects[order.command.kind]) await journal.append({ kind: 'result', result });
      this.parts.send(result);
    } catch (error) {
      log.error({ commandId, err: error }, 'a command’s result could not be kept');
    } finally {
      this.underWay.delete(commandId);
    }
  }

  /** The master has it. */
  async stored(commandId: string): Promise<void> {
    if (this.parts.journal.state.results.has(commandId)) await this.parts.journal.append({ kind: 'result-stored', commandId });
  }

  /** After a hello: what the master may not have received. */
  resendAll(): void {
    for (const result of this.parts.journal.state.results.values()) this.parts.send(result);
  }

  private async outcome(order: CommandOrder): Promise<CommandResult['outcome']> {
    const refusal = this.refusalOf(order);
    if (refusal !== null) return refusal;
    // What is past its deadline goes on unheard; who asks again meets it (SnapshotCommands), or reads again.
    const deadline = this.deadline(order.deadlineMs);
    try {
      return await Promise.race([this.run(order), deadline.passed]);
    } catch (error) {
      const isUnsupported = error instanceof HypervisorError && error.code === 'unsupported';
      const message = error instanceof Error ? error.message : String(error);
      return { ok: false, code: isUnsupported ? 'unsupported' : error instanceof UnknownSnapshotError ? 'stale' : 'failed', message: message.slice(0, 1000) };
    } finally {
      deadline.cancel();
    }
  }

  private refusalOf({ command, generation }: CommandOrder): CommandRefusal | null {
    const { state } = this.parts.journal;
    switch (command.kind) {
      // The host itself; what belongs to no instance; disks each of which is answered for itself; and what leaves nothing behind, whoever is gone meanwhile.
      case 'describe':
      case 'freeze-disks':
      case 'end-snapshot':
      case 'send-home':
      case 'drop-home':
      case 'open-stream':
        return null;
      case 'send-disk':
      case 'serial-log':
      case 'screenshot':
        return commandRefusal(state, command.instanceId, generation);
    }
  }

  private async run({ command, deadlineMs }: CommandOrder): Promise<CommandResult['outcome']> {
    const { driver, store, snapshots, homes, streams } = this.parts;
    switch (command.kind) {
      case 'freeze-disks':
        return { ok: true, body: JSON.stringify(await snapshots.freeze(command, deadlineMs)) };
      case 'send-disk':
        return { ok: true, body: JSON.stringify(await snapshots.send(command, deadlineMs)) };
      case 'end-snapshot':
        await snapshots.end(command, deadlineMs);
        return { ok: true, body: null };
      case 'send-home':
        return { ok: true, body: JSON.stringify(await homes.send(command, deadlineMs)) };
      case 'drop-home':
        await homes.drop(command);
        return { ok: true, body: null };
      case 'open-stream':
        await streams.join(command);
        return { ok: true, body: null };
      case 'serial-log':
        return { ok: true, body: fitting(await store.readSerialLog(command.instanceId, command.tailBytes)) };
      case 'screenshot': {
        const png = (await driver.screenshot(command.instanceId)).toString('base64');
        if (png.length > bodyLimit) return { ok: false, code: 'failed', message: `The screenshot has ${png.length} characters; at most ${bodyLimit} fit.` };
        return { ok: true, body: png };
      }
      case 'describe':
        await this.parts.describeNow();
        return { ok: true, body: null };
    }
  }

  private deadline(deadlineMs: number): { readonly passed: Promise<CommandResult['outcome']>; readonly cancel: () => void } {
    let cancel: () => void = () => undefined;
    const passed = new Promise<CommandResult['outcome']>((resolve) => {
      const message = `Not done within ${deadlineMs} ms.`;
      cancel = this.parts.clock.after(deadlineMs, () => resolve({ ok: false, code: 'deadline', message }));
    });
    return { passed, cancel: () => cancel() };
  }
}

/** JSON writes a control character as six bytes; of such a log the end is kept that fits a frame. */
function fitting(text: string): string {
  let kept = text;
  while (Buffer.byteLength(JSON.stringify(kept)) > bodyLimit) kept = kept.slice(Math.ceil(kept.length / 4));
  return kept;
}
