import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useState } from 'react';
import { ApiProblem } from '@paravcl/shared/client/api-problem';
import { askEach } from './ask-each';
import { askOne, askSnapshot, askWhole, type VerbOptions } from './class-asking';
import { titleOf } from './class-tile';
import type { Verb, VerbTarget } from './class-verbs';

/** So many machines are told at a time: the master answers each in some milliseconds, and has others to hear. */
const toldAtOnce = 4;

export interface VerbResult {
  readonly verb: Verb;
  readonly of: number;
  readonly accepted: number;
  readonly refused: readonly { readonly slot: number; readonly title: string; readonly sentence: string }[];
  readonly notes: readonly string[];
}

export interface ClassVerb {
  /** How many of how many have answered; null while nothing is asked. */
  readonly underWay: { readonly verb: Verb; readonly answered: number; readonly of: number } | null;
  readonly result: VerbResult | null;
  /** Why nothing of it was done. */
  readonly problem: ApiProblem | null;
  /** Resolves to whether it was accepted for some. */
  readonly run: (verb: Verb, target: VerbTarget, options?: VerbOptions) => Promise<boolean>;
  readonly clear: () => void;
}

/** Tells machines of a class something and keeps what they answered, refusals by machine. */
export function useClassVerb(deploymentId: string): ClassVerb {
  const client = useQueryClient();
  const [underWay, setUnderWay] = useState<ClassVerb['underWay']>(null);
  const [result, setResult] = useState<VerbResult | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const clear = useCallback(() => {
    setResult(null);
    setProblem(null);
  }, []);
  const run = useCallback(
    async (verb: Verb, target: VerbTarget, options: VerbOptions = {}): Promise<boolean> => {
      clear();
      const of = target.tiles.length;
      setUnderWay({ verb, answered: 0, of });
      try {
        const answer = await tell(deploymentId, verb, target, options, (answered) => setUnderWay({ verb, answered, of }));
        setResult(answer);
        return answer.accepted > 0;
      } catch (error) {
        setProblem(error instanceof ApiProblem ? error : new ApiProblem({ status: 0, detail: String(error) }));
        return false;
      } finally {
        setUnderWay(null);
        for (const topic of ['instances', 'deployments', 'operations', 'snapshots']) void client.invalidateQueries({ queryKey: [topic] });
      }
    },
    [client, clear, deploymentId],
  );
  return { underWay, result, problem, run, clear };
}

async function tell(deploymentId: string, verb: Verb, { tiles, isWhole }: VerbTarget, options: VerbOptions, onAnswer: (answered: number) => void): Promise<VerbResult> {
  const of = tiles.length;
  if (verb === 'snapshot') {
    const { taken, sentence } = await askSnapshot(isWhole ? { deploymentId } : { instanceIds: tiles.map(({ instanceId }) => instanceId) }, options);
    return { verb, of, accepted: taken, refused: [], notes: [sentence] };
  }
  if (isWhole) {
    const { refused, notes } = await askWhole(verb, deploymentId, options);
    const titles = new Map(tiles.map((tile) => [tile.slot, titleOf(tile)]));
    return { verb, of, accepted: Math.max(0, of - refused.length), refused: refused.map(({ slot, sentence }) => ({ slot, title: titles.get(slot) ?? `#${slot}`, sentence })), notes };
  }
  const { accepted, refused } = await askEach(tiles, toldAtOnce, ({ instanceId }) => askOne(verb, instanceId, options), onAnswer);
  return { verb, of, accepted: accepted.length, refused: refused.map(({ thing, sentence }) => ({ slot: thing.slot, title: titleOf(thing), sentence })), notes: [] };
}
