import type { EpochMs } from '@paravcl/shared/clock';
import type { RoundInputs } from '../core/replay';
import { stepBetween, type RoundStep } from '../core/round-step';
import type { Snapshot } from '../core/snapshot';
import type { DecisionRepository } from '../repositories/decision-repository';
import type { Repositories } from '../repositories/repositories';
import { inputsText, keepText, type InputsText } from './decision-inputs';

/**
 * No step is kept later than so long after the keyframe it leads back to. Whoever deletes what is old leaves it for
 * that much longer, so that what is not too old yet can be read.
 */
export const longestChainMs = 3_600_000;
/** After so many steps comes a keyframe: reading the last one reads all of them. */
const defaultUsualSteps = 2048;
/** It is made beside the steps, which go on meanwhile; at so many times what is usual they wait for it. */
const mostTimes = 2;
const longShare = 0.75;
/** Where the slaves and guests of a step stand. */
const stepLevels = 2;
/** A guest that joined takes so much less than the slave it joined, told whole. */
const guestsPerSlave = 16;

/** Of a write: null when it and all that it leads back to are written. */
type Failure = { readonly error: unknown } | null;

interface Kept {
  readonly hash: string;
  readonly text: InputsText;
  readonly keptAt: EpochMs;
  readonly keyframe: string;
  readonly written: Promise<Failure>;
  /** Of what it leads back to. */
  readonly before: Promise<Failure>;
}

/** What was kept last, and what it leads back to. */
interface Chain {
  readonly keyframe: string;
  readonly begunAt: EpochMs;
  readonly steps: number;
  /** What the steps hold, in slaves that are told whole. */
  readonly held: number;
  readonly last: {
    readonly hash: string;
    readonly snapshot: Snapshot;
    /** Not before those before it, so that it is kept no shorter than them by more than the chain is long. */
    readonly keptAt: EpochMs;
    readonly written: Promise<Failure>;
  };
}

/**
 * Keeps the inputs of rounds: now and then the whole pool, a keyframe, and between two of them what changed since
 * the inputs kept before (`core/round-step`). A step names the one before it by its hash, and so its own hash stands
 * for everything it leads back to.
 *
 * Inputs may be kept by many at a time. They are taken in the order in which they were given, and are written side by side;
 * a hash is answered when its inputs and all they lead back to are written. After a write that failed comes a keyframe.
 */
export class InputsChain {
  private chain: Chain | null = null;
  private turn: Promise<unknown> = Promise.resolve();
  private renewal: Promise<void> | null = null;

  constructor(
    private readonly decisions: Pick<DecisionRepository, 'keepInputs'>,
    private readonly usualSteps = defaultUsualSteps,
  ) {}

  /** Answers the hash. It needs a connection of its own: ask before a transaction is opened, so that what the transaction names is there. */
  async keep(inputs: RoundInputs): Promise<string> {
    for (;;) {
      const { before, hash, written } = await this.inTurn(async () => (await this.step(inputs, this.decisions)) ?? this.keyframe(inputs));
      // What it leads back to is not there: anew, from a keyframe.
      if ((await before) !== null) continue;
      const failure = await written;
      if (failure !== null) throw failure.error;
      return hash;
    }
  }

  /**
   * The same within a transaction that is open, over its connection. Null where the whole pool would have to be written, or what it leads back to is not there:
   * nobody waits for that with rows locked. Should the transaction not be committed, what others may lead back to by then is written again.
   */
  async keepWithin(inputs: RoundInputs, { decisions, run }: Pick<Repositories, 'decisions' | 'run'>): Promise<string | null> {
    if (this.chain === null) return null;
    const kept = await this.inTurn(() => this.step(inputs, decisions));
    if (kept === null || (await kept.before) !== null) return null;
    const { hash, text, keptAt, keyframe } = kept;
    run?.whenOver((committed) => {
      if (!committed) void keepText(this.decisions, text, keptAt).catch(() => { this.give(keyframe); });
    });
    const failure = await kept.written;
    if (failure !== null) throw failure.error;
    return hash;
  }

  /** Resolves when no keyframe is being made. */
  async idle(): Promise<void> {
    while (this.renewal !== null) await this.renewal;
  }

  /** Null where a keyframe is due. */
  private async step(inputs: RoundInputs, decisions: Pick<DecisionRepository, 'keepInputs'>): Promise<Kept | null> {
    const { chain } = this;
    const step = chain === null ? null : this.nextStep(chain, inputs);
    if (chain === null || step === null) return null;
    const { keyframe, begunAt, last } = chain;
    const text = await inputsText({ after: last.hash, ...step }, stepLevels);
    const { hash } = text;
    const keptAt = Math.max(inputs.at, last.keptAt);
    const written = this.write(text, keptAt, keyframe, last.written, decisions);
    this.chain = { keyframe, begunAt, steps: chain.steps + 1, held: chain.held + weight(step), last: { hash, snapshot: inputs.snapshot, keptAt, written } };
    if (this.isLong(this.chain)) this.renewal ??= this.renew(inputs, keyframe).finally(() => (this.renewal = null));
    return { hash, text, keptAt, keyframe, written, before: last.written };
  }

  private async keyframe(inputs: RoundInputs): Promise<Kept> {
    const { begun, text } = await this.begin(inputs);
    const { keyframe, last } = begun;
    this.chain = begun;
    return { hash: last.hash, text, keptAt: last.keptAt, keyframe, written: last.written, before: Promise.resolve(null) };
  }

  /** The steps to come lead back to a keyframe of these inputs once it is written, unless there was need of one meanwhile. */
  private async renew(inputs: RoundInputs, old: string): Promise<void> {
    const { begun } = await this.begin(inputs);
    if ((await begun.last.written) !== null) return;
    await this.inTurn(() => {
      if (this.chain?.keyframe === old) this.chain = begun;
      return Promise.resolve();
    });
  }

  private async begin(inputs: RoundInputs): Promise<{ readonly begun: Chain; readonly text: InputsText }> {
    const { at, snapshot } = inputs;
    const text = await inputsText(inputs);
    const { hash } = text;
    const written = this.write(text, at, hash, Promise.resolve(null), this.decisions);
    return { text, begun: { keyframe: hash, begunAt: at, steps: 0, held: 0, last: { hash, snapshot, keptAt: at, written } } };
  }

  private async write(text: InputsText, keptAt: EpochMs, keyframe: string, before: Promise<Failure>, decisions: Pick<DecisionRepository, 'keepInputs'>): Promise<Failure> {
    let failure: Failure = null;
    try {
      await keepText(decisions, text, keptAt);
    } catch (error) {
      failure = { error };
    }
    failure = (await before) ?? failure;
    if (failure !== null) this.give(keyframe);
    return failure;
  }

  /** Null where a keyframe is due first. */
  private nextStep({ begunAt, steps, held, last }: Chain, inputs: RoundInputs): RoundStep | null {
    if (steps >= mostTimes * this.usualSteps || Math.max(inputs.at, last.keptAt) - begunAt > longestChainMs) return null;
    const step = stepBetween(last.snapshot, inputs);
    return held + weight(step) > mostTimes * inputs.snapshot.slaves.length ? null : step;
  }

  /** The steps hold as much as the pool by now, are many to read, or go back for most of an hour. */
  private isLong({ steps, held, begunAt, last }: Chain): boolean {
    return steps >= this.usualSteps || held >= last.snapshot.slaves.length || last.keptAt - begunAt > longShare * longestChainMs;
  }

  /** Nothing leads back to what is not there. */
  private give(keyframe: string): void {
    if (this.chain?.keyframe === keyframe) this.chain = null;
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(work);
    this.turn = mine.catch(() => undefined);
    return mine;
  }
}

function weight({ slaves, joined }: RoundStep): number {
  return slaves.length + joined.reduce((guests, one) => guests + one.guests.length, 0) / guestsPerSlave;
}
