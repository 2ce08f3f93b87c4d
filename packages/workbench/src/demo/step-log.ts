import type { HypervisorKind } from '@paravcl/shared/domain/slave';

export interface StepRecord {
  readonly name: string;
  readonly ok: boolean;
  readonly seconds: number;
  readonly detail: string;
}

/** What `npm run demo -- --json` prints. */
export interface DemoSummary {
  readonly ok: boolean;
  readonly hypervisor: HypervisorKind;
  readonly seconds: number;
  readonly steps: readonly StepRecord[];
}

/** Width of the column of step names. */
const nameWidth = 36;

/** Thrown by a step that saw something other than what it was there to see. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
}

/**
 * Runs the demo's steps one after the other, a line each with its time. A step's function tells
 * what it saw, in words, one line or more; when it throws, the line says why and the error goes on.
 */
export class StepLog {
  private readonly records: StepRecord[] = [];
  /** What guests run with; null until the slave has described itself. */
  hypervisor: HypervisorKind | null = null;
  private readonly startedAt = performance.now();
  /** Steps begun before this number was raised report no more. */
  private epoch = 0;

  constructor(
    private readonly out: NodeJS.WritableStream,
    /** Put before every line: the simulated driver says so each time. */
    private readonly prefix: string,
  ) {}

  say(line: string): void {
    this.out.write(`${this.prefix}${line}\n`);
  }

  /** What is under way now is not told of any more. */
  dropPending(): void {
    this.epoch += 1;
  }

  async step<T>(name: string, run: (detail: (text: string) => void) => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const { epoch } = this;
    let detail = '';
    const record = (ok: boolean): void => {
      if (epoch !== this.epoch) return;
      const seconds = Math.round(performance.now() - startedAt) / 1000;
      this.records.push({ name, ok, seconds, detail: detail.replaceAll('\n', '; ') });
      const [first = '', ...more] = detail.split('\n');
      this.say(`  ${ok ? '✓' : '✗'} ${name.padEnd(nameWidth)} ${seconds.toFixed(1).padStart(5)} s  ${first}`);
      for (const line of more) this.say(`${' '.repeat(nameWidth + 13)}${line}`);
    };
    try {
      const result = await run((text) => (detail = text));
      record(true);
      return result;
    } catch (error) {
      detail = error instanceof Error ? error.message : String(error);
      record(false);
      throw error;
    }
  }

  summary(): DemoSummary {
    const { hypervisor } = this;
    return {
      ok: this.records.length > 0 && this.records.every((record) => record.ok),
      hypervisor: hypervisor ?? 'qemu',
      seconds: Math.round(performance.now() - this.startedAt) / 1000,
      steps: this.records.map((record) => (record.ok || hypervisor !== null ? record : { ...record, detail: `${record.detail} (It was not found out yet whether KVM works here: "hypervisor" is a guess.)` })),
    };
  }
}
