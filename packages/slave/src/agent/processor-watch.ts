import type { Cancel, Clock } from '@paravcl/shared/clock';
import { maxHeartbeatGuests, type GuestProcessor } from '@paravcl/shared/protocol/agent-to-master';
import type { Logger } from 'pino';
import type { HypervisorDriver, ProcessorTimes } from '../hypervisor/driver';

/** As often as most sites' heartbeats, so that each has something new to tell. */
const sampleEveryMs = 5000;
/** What could not be told for longer is dropped: it is the present that counts. */
const longestUntoldMs = 20_000;

interface Sample extends ProcessorTimes {
  readonly atMs: number;
}

export interface ProcessorWatchParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly driver: Pick<HypervisorDriver, 'processorTimes'>;
  /** Whether this guest of ours runs here. */
  isUp(instanceId: string): boolean;
}

/** Samples what the guests of this host ran, and wanted to run and did not, for heartbeats to tell. */
export class ProcessorWatch {
  private last = new Map<string, Sample>();
  private readonly untold = new Map<string, GuestProcessor>();
  private failing = false;
  private stopped = false;
  private cancelNext: Cancel = () => undefined;

  constructor(private readonly parts: ProcessorWatchParts) {}

  start(): void {
    void this.sample().finally(() => {
      if (!this.stopped) this.cancelNext = this.parts.clock.after(sampleEveryMs, () => this.start());
    });
  }

  stop(): void {
    this.stopped = true;
    this.cancelNext();
  }

  /** What was sampled since it was taken last; what was taken is not told again. */
  take(): GuestProcessor[] {
    const taken = [...this.untold.values()].slice(0, maxHeartbeatGuests);
    for (const { instanceId } of taken) this.untold.delete(instanceId);
    return taken;
  }

  private async sample(): Promise<void> {
    const { clock, log, driver, isUp } = this.parts;
    try {
      const from = clock.monotonicMs();
      const times = await driver.processorTimes();
      // One question for all of them; when each was read is not said, and the middle is nearest.
      const atMs = (from + clock.monotonicMs()) / 2;
      const ours = [...times].filter(([instanceId]) => isUp(instanceId));
      for (const [instanceId, now] of ours) this.note(instanceId, this.last.get(instanceId), { ...now, atMs });
      this.last = new Map(ours.map(([instanceId, now]) => [instanceId, { ...now, atMs }]));
      this.failing = false;
    } catch (error) {
      if (!this.failing) log.warn({ err: error }, 'what the guests’ processors do could not be read; nobody is told whether they get their due');
      this.failing = true;
    }
  }

  /** A counter that went back belongs to another QEMU: the stretch begins anew with it. */
  private note(instanceId: string, before: Sample | undefined, now: Sample): void {
    if (before === undefined || before.vcpus !== now.vcpus || now.ranNs < before.ranNs || now.delayedNs < before.delayedNs || now.waitedNs < before.waitedNs) return;
    const overMs = Math.round(now.atMs - before.atMs);
    if (overMs <= 0) return;
    const stretch = { overMs, ranMs: ms(now.ranNs - before.ranNs), delayedMs: ms(now.delayedNs - before.delayedNs), waitedMs: ms(now.waitedNs - before.waitedNs) };
    const waiting = this.untold.get(instanceId);
    const joined = waiting === undefined || waiting.vcpus !== now.vcpus || waiting.overMs + overMs > longestUntoldMs ? stretch : added(waiting, stretch);
    this.untold.set(instanceId, { instanceId, vcpus: now.vcpus, ...joined });
  }
}

type Stretch = Pick<GuestProcessor, 'overMs' | 'ranMs' | 'delayedMs' | 'waitedMs'>;

function added(a: Stretch, b: Stretch): Stretch {
  return { overMs: a.overMs + b.overMs, ranMs: a.ranMs + b.ranMs, delayedMs: a.delayedMs + b.delayedMs, waitedMs: a.waitedMs + b.waitedMs };
}

const ms = (ns: number): number => Math.round(ns / 1e6);
