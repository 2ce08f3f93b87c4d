import type { EpochMs } from '@paravcl/shared/clock';
import type { RoundInputs } from '../core/replay';
import { stepBetween, type RoundStep } from '../core/round-step';
import type { Snapshot } from '../core/snapshot';
import type { DecisionRepository } from '../repositories/decision-repository';
import type { Repositories } from '../repositories/repositories';
import { inputsText, keepText, wholeAside, type InputsText } from './decision-inputs';

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
/** Where the slaves and guests of a step stand. */
const stepLevels = 2;
/** A guest that joined takes so much less than the slave it joined, told whole. */
const guestsPerSlave = 16;

/** Of a write: null when it and all that it leads back to are written. */
type Failure = { readonly error: unknown } | null;

interface Kept {
  readonly hash: string;
  readonly written: Promise<Failure>;
  /** Of what it leads back to. */
  readonly before: Promise<Failure>;
}

/** Inputs that the caller writes, in a transaction of its own. */
export interface InputsAside {
  readonly hash: string;
  readonly write: (repositories: Pick<Repositories, 'decisions' | 'run'>) => Promise<void>;
}

/** What was kept last, and what it leads back to. */
interface Chain {
  /** Stays while it goes on from the same keyframe, also when a later step is told whole meanwhile. */
  readonly origin: symbol;
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
  /** Inputs that are being kept now. */
  private keeping = 0;

  constructor(
    private readonly decisions: Pick<DecisionRepository, 'keepInputs' | 'tellInputsAnew'>,
    private readonly usualSteps = defaultUsualSteps,
  ) {}

  /** Answers the hash. It needs a connection of its own: ask before a transaction is opened, so that what the transaction names is there. */
  async keep(inputs: RoundInputs): Promise<string> {
    this.keeping++;
    try {
      for (;;) {
        const { before, hash, written } = await this.inTurn(async () => (await this.step(inputs)) ?? this.keyframe(inputs));
        // What it leads back to is not there: anew, from a keyframe.
        if ((await before) !== null) continue;
        const failure = await written;
        if (failure !== null) throw failure.error;
        return hash;
      }
    } finally {
      this.keeping--;
    }
  }

  /**
   * Inputs to be written within a transaction that is open, over its connection. It may be undone, so that nothing leads back to them until it is
   * committed. Null where the whole pool would have to be written, or others write just now: nobody waits for that with rows locked.
   */
  async aside(inputs: RoundInputs): Promise<InputsAside | null> {
    const { chain } = this;
    const step = chain === null || this.keeping > 0 ? null : this.nextStep(chain, inputs);
    if (chain === null || step === null) return null;
    const text = await inputsText({ after: chain.last.hash, ...step }, stepLevels);
    const { hash } = text;
    const keptAt = Math.max(inputs.at, chain.last.keptAt);
    return {
      hash,
      write: async ({ decisions, run }) => {
        await keepText(decisions, text, keptAt);
        run?.whenOver((isCommitted) => {
          if (isCommitted && this.chain?.last.hash === chain.last.hash) this.advance(this.chain, step, { inputs, hash, keptAt, written: Promise.resolve(null) });
        });
      },
    };
  }

  /** Resolves when nothing is told whole aside. */
  async idle(): Promise<void> {
    while (this.renewal !== null) await this.renewal;
  }

  /** Null where a keyframe is due. */
  private async step(inputs: RoundInputs): Promise<Kept | null> {
    const { chain } = this;
    const step = chain === null ? null : this.nextStep(chain, inputs);
    if (chain === null || step === null) return null;
    const { origin, last } = chain;
    const text = await inputsText({ after: last.hash, ...step }, stepLevels);
    const { hash } = text;
    const keptAt = Math.max(inputs.at, last.keptAt);
    const written = this.write(text, keptAt, origin, last.written);
    // One of its steps may have been told whole meanwhile.
    this.advance(this.chain?.origin === origin ? this.chain : chain, step, { inputs, hash, keptAt, written });
    return { hash, written, before: last.written };
  }

  private advance({ origin, begunAt, steps, held }: Chain, step: RoundStep, { inputs, ...last }: Omit<Chain['last'], 'snapshot'> & { readonly inputs: RoundInputs }): void {
    this.chain = { origin, begunAt, steps: steps + 1, held: held + weight(step), last: { ...last, snapshot: inputs.snapshot } };
    if (this.isLong(this.chain)) this.renewal ??= this.renew(inputs, this.chain).catch(() => undefined).finally(() => (this.renewal = null));
  }

  private async keyframe(inputs: RoundInputs): Promise<Kept> {
    const { at, snapshot } = inputs;
    const text = await inputsText(inputs);
    const { hash } = text;
    const origin = Symbol(hash);
    const written = this.write(text, at, origin, Promise.resolve(null));
    this.chain = { origin, begunAt: at, steps: 0, held: 0, last: { hash, snapshot, keptAt: at, written } };
    return { hash, written, before: Promise.resolve(null) };
  }

  /** Tells these inputs whole under the hash of their step, aside: those that lead back to it lead no further then. One that fails is made again with a later step. */
  private async renew(inputs: RoundInputs, { origin, steps, held, last: { hash, keptAt, written } }: Chain): Promise<void> {
    const body = await wholeAside(inputs);
    if ((await written) !== null) return;
    await this.decisions.tellInputsAnew(hash, body, keptAt);
    if (this.chain?.origin === origin) this.chain = { ...this.chain, begunAt: keptAt, steps: this.chain.steps - steps, held: this.chain.held - held };
  }

  private async write(text: InputsText, keptAt: EpochMs, origin: symbol, before: Promise<Failure>): Promise<Failure> {
    let failure: Failure = null;
    try {
      await keepText(this.decisions, text, keptAt);
    } catch (error) {
      failure = { error };
    }
    failure = (await before) ?? failure;
    // Nothing leads back to what is not there: what was told whole since is from before it.
    if (failure !== null && this.chain?.origin === origin) this.chain = null;
    return failure;
  }

  /** Null where a keyframe is due first. */
  private nextStep({ begunAt, steps, held, last }: Chain, inputs: RoundInputs): RoundStep | null {
    if (steps >= mostTimes * this.usualSteps || Math.max(inputs.at, last.keptAt) - begunAt > longestChainMs) return null;
    const step = stepBetween(last.snapshot, inputs);
    return held + weight(step) > mostTimes * inputs.snapshot.slaves.length ? null : step;
  }

  /** The steps hold as much as the pool by now, are many to read, or go back for most of the longest time. */
  private isLong({ steps, held, begunAt, last }: Chain): boolean {
    return steps >= this.usualSteps || held >= last.snapshot.slaves.length || last.keptAt - begunAt > longShare * longestChainMs;
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
