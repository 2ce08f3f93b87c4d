import type { EpochMs } from '@paravcl/shared/clock';
import type { Decision } from '@paravcl/shared/domain/decision';
import type { Repositories } from '../repositories/repositories';
import type { KeptInputs } from './kept-inputs';
import { storedInputs, type StoredInputs } from './stored-inputs';

/** What was decided of the same inputs. */
export interface StoredRound {
  readonly decisions: readonly Decision[];
  /** Null: not kept any more. */
  readonly inputs: StoredInputs | null;
}

/** Ids and hashes only: so many decisions are read at a time to find where rounds begin. */
const pageDecisions = 2000;
/** Whole decisions, with all that hosts answered. */
const pageBodies = 200;

/** Ids of what was decided of the same inputs, in the order in which the first of each was recorded; at most so many rounds. */
export async function roundsBetween({ decisions }: Pick<Repositories, 'decisions'>, since: EpochMs, until: EpochMs, most: number): Promise<readonly (readonly string[])[]> {
  const rounds = new Map<string, string[]>();
  let after: string | null = null;
  for (;;) {
    const page: readonly { readonly id: string; readonly inputsHash: string }[] = await decisions.between({ since, until, after, limit: pageDecisions });
    for (const { id, inputsHash } of page) {
      const round = rounds.get(inputsHash);
      if (round === undefined) rounds.set(inputsHash, [id]);
      else round.push(id);
    }
    after = page.at(-1)?.id ?? null;
    // Decisions of one round lie together: those of the last one but one are all there.
    if (page.length < pageDecisions || rounds.size > most) return [...rounds.values()].slice(0, most);
  }
}

/** One round with its inputs. Rounds that follow each other are read from the same `kept`. */
export async function readRound(repositories: Pick<Repositories, 'decisions'>, kept: KeptInputs, ids: readonly string[]): Promise<StoredRound> {
  const decisions: Decision[] = [];
  for (let at = 0; at < ids.length; at += pageBodies) decisions.push(...(await repositories.decisions.these(ids.slice(at, at + pageBodies))));
  const hash = decisions[0]?.inputsHash;
  return { decisions, inputs: hash === undefined ? null : await readInputs(kept, hash) };
}

/** What was kept under a hash, as the scheduler takes it; null when it is not kept any more. */
export async function readInputs(kept: KeptInputs, hash: string): Promise<StoredInputs | null> {
  const inputs = await kept.of(hash);
  return inputs === null ? null : storedInputs(inputs);
}
