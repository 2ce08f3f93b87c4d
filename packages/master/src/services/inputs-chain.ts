import type { EpochMs } from '@paravcl/shared/clock';
import type { RoundInputs } from '../core/replay';
import { stepBetween, type RoundStep } from '../core/round-step';
import type { Snapshot } from '../core/snapshot';
import type { DecisionRepository } from '../repositories/decision-repository';
import type { InputsRow } from '../repositories/launch-ledger';
import { compressed, inputsText, keepText, smallText, wholeAside } from './decision-inputs';

/**
 * No step is kept later than so long after the keyframe it leads back to. Whoever deletes what is old leaves it for
 * that much longer, so that what is not too old yet can be read.
 */
export const longestChainMs = 3_600_000;
/** After so many steps, or so much of the longest time, one of them is told whole: reading the last one reads all of them. */
const defaultUsualSteps = 4096;
const longShare = 0.75;
/** That is done aside, while steps go on; at so many times what is usual they wait for a keyframe. */
const mostTimes = 4;
/** A step that holds less is told in one go. */
const smallHeld = 64;
/** Bytes of a step that are written within a transaction. Those of a hundred placements are some 10 KiB. */
const mostBeside = 65_536;
/** A guest that joined takes so much less than the slave it joined, told whole. */
const guestsPerSlave = 16;

/** Inputs told by what changed since others that are there. */
export interface InputsStep {
  readonly row: InputsRow;
  /** To be called once it is committed: others lead back to it from then on. */
  readonly committed: () => void;
}

/** Inputs that are there, and what they lead back to. */
interface Kept {
  /** Of all that go on from one another. Another one begins with what is told whole. */
  readonly line: symbol;
  readonly hash: string;
  readonly snapshot: Snapshot;
  /** Not before those before it, so that it is kept no shorter than them by more than the chain is long. */
  readonly keptAt: EpochMs;
  /** When the keyframe was kept. */
  readonly begunAt: EpochMs;
  readonly steps: number;
  /** What the steps hold, in slaves that are told whole. */
  readonly held: number;
}

/**
 * Keeps the inputs of rounds: now and then the whole pool, a keyframe, and between two of them what changed since
 * inputs kept before (`core/round-step`). A step names the one before it by its hash, and so its own hash stands
 * for everything it leads back to.
 *
 * Inputs may be kept by many at a time. Each leads back to what was committed last when it was given, never to what is under way:
 * whatever cannot be written, nothing is kept without all that it leads back to.
 */
export class InputsChain {
  private last: Kept | null = null;
  private beginning: Promise<unknown> | null = null;
  private renewal: Promise<void> | null = null;

  constructor(
    private readonly decisions: Pick<DecisionRepository, 'keepInputs' | 'tellInputsAnew'>,
    private readonly usualSteps = defaultUsualSteps,
  ) {}

  /** Answers the hash, once they are committed. It needs a connection of its own: ask before a transaction is opened, so that what the transaction names is there. */
  async keep(inputs: RoundInputs): Promise<string> {
    for (;;) {
      const step = await this.told(inputs);
      if (step !== null) {
        const { row: { hash, body, keptAt }, committed } = step;
        await this.decisions.keepInputs(hash, body, keptAt);
        committed();
        return hash;
      }
      if (this.beginning === null) return this.begin(inputs);
      // One keyframe does for all who come meanwhile; where it fails, the next one makes another.
      await this.beginning.catch(() => undefined);
    }
  }

  /** For who writes them with what is decided of them, in one transaction. Null where there is so much to write that nobody should wait for it with rows locked (`keep`). */
  async step(inputs: RoundInputs): Promise<InputsStep | null> {
    const step = await this.told(inputs);
    return step === null || step.row.body.length > mostBeside ? null : step;
  }

  /** Resolves when there is something that a step at this time leads back to. For who cannot wait for that later; it needs a connection of its own. */
  async ready(at: EpochMs, inputs: () => RoundInputs): Promise<void> {
    while (this.last === null || isOver(this.last, at, this.usualSteps)) await (this.beginning ?? this.begin(inputs()));
  }

  /** Resolves when nothing is told whole aside. */
  async idle(): Promise<void> {
    while (this.renewal !== null) await this.renewal;
  }

  /** Null where a keyframe is due. */
  private async told(inputs: RoundInputs): Promise<InputsStep | null> {
    const { last } = this;
    const step = last === null ? null : this.nextStep(last, inputs);
    if (last === null || step === null) return null;
    const told = { after: last.hash, ...step };
    const { hash, text } = weight(step) + step.waiting.length < smallHeld ? smallText(told) : await inputsText(told);
    const row = { hash, body: await compressed(text), keptAt: Math.max(inputs.at, last.keptAt) };
    return { row, committed: () => { this.goOn(inputs, { ...last, hash, snapshot: inputs.snapshot, keptAt: row.keptAt, steps: last.steps + 1, held: last.held + weight(step) }); } };
  }

  private begin(inputs: RoundInputs): Promise<string> {
    const keyframe = this.keyframe(inputs).finally(() => (this.beginning = null));
    this.beginning = keyframe;
    return keyframe;
  }

  private async keyframe(inputs: RoundInputs): Promise<string> {
    const { at, snapshot } = inputs;
    const text = await inputsText(inputs);
    await keepText(this.decisions, text, at);
    this.last = { line: Symbol(), hash: text.hash, snapshot, keptAt: at, begunAt: at, steps: 0, held: 0 };
    return text.hash;
  }

  private goOn(inputs: RoundInputs, kept: Kept): void {
    // Another line was begun meanwhile: nothing of the old one is gone on with.
    if (this.last?.line !== kept.line) return;
    this.last = kept;
    if (this.isLong(kept)) this.renewal ??= this.renew(inputs, kept).catch(() => undefined).finally(() => (this.renewal = null));
  }

  /** Tells these inputs whole under the hash of their step, aside: those that go on from it lead no further then. One that fails is made again with a later step. */
  private async renew(inputs: RoundInputs, { hash, keptAt, steps, held, ...kept }: Kept): Promise<void> {
    // Who is under way from before it leads past it.
    const line = Symbol();
    this.last = { ...kept, line, hash, keptAt, steps, held };
    await this.decisions.tellInputsAnew(hash, await wholeAside(inputs), keptAt);
    // Another line again: who is under way counts from before.
    if (this.last.line === line) this.last = { ...this.last, line: Symbol(), begunAt: keptAt, steps: this.last.steps - steps, held: this.last.held - held };
  }

  /** Null where a keyframe is due first. */
  private nextStep(last: Kept, inputs: RoundInputs): RoundStep | null {
    if (isOver(last, inputs.at, this.usualSteps)) return null;
    const step = stepBetween(last.snapshot, inputs);
    return last.held + weight(step) > mostTimes * inputs.snapshot.slaves.length ? null : step;
  }

  /** The steps hold as much as the pool by now, are many to read, or go back for most of the longest time. */
  private isLong({ steps, held, begunAt, keptAt, snapshot }: Kept): boolean {
    return steps >= this.usualSteps || held >= snapshot.slaves.length || keptAt - begunAt > longShare * longestChainMs;
  }
}

/** No step goes on from it at this time, whatever it holds. */
const isOver = ({ begunAt, keptAt, steps }: Kept, at: EpochMs, usualSteps: number): boolean => steps >= mostTimes * usualSteps || Math.max(at, keptAt) - begunAt > longestChainMs;

function weight({ slaves, joined }: RoundStep): number {
  return slaves.length + joined.reduce((guests, one) => guests + one.guests.length, 0) / guestsPerSlave;
}
