import { z } from 'zod';
import type { RoundInputs } from '../core/replay';
import { afterStep, type RoundStep } from '../core/round-step';
import type { Rules, RunningInstance, SlaveView, WaitingInstance } from '../core/snapshot';
import type { DecisionRepository } from '../repositories/decision-repository';
import { keptBody } from './decision-inputs';

/** As far as a step needs it; the rest is looked at by who decides again (`stored-inputs`). */
const room = z.object({ vcpus: z.number(), ramMiB: z.number(), diskMiB: z.number(), bandwidthMbps: z.number() });
const like = <T>(shape: z.ZodType) => z.custom<T>((value) => shape.safeParse(value).success);
const view = like<SlaveView>(z.object({ id: z.string(), promised: room, running: z.array(z.object({ id: z.string() })) }));
const guest = like<RunningInstance>(z.object({ id: z.string(), need: room }));
const rules = like<Rules>(z.object());

const worldSchema = z.object({ snapshot: z.object({ slaves: z.array(view), rules, lastPlacedOn: z.string().nullable() }) });
const stepSchema: z.ZodType<RoundStep> = z.object({
  at: z.number(),
  policy: z.string(),
  lastPlacedOn: z.string().nullable(),
  rules: rules.optional(),
  slaves: z.array(view),
  joined: z.array(z.object({ slaveId: z.string(), guests: z.array(guest) })),
  gone: z.array(z.string()),
  order: z.array(z.string()).optional(),
  waiting: z.array(like<WaitingInstance>(z.object())),
});

type Inputs = Readonly<Record<string, unknown>>;

/** Inputs put together, and the keyframe that they were put together from. */
interface Whole {
  readonly keyframe: string;
  readonly inputs: Inputs;
  /** What a step leads on from; null where that has another shape. */
  readonly world: Pick<RoundInputs, 'snapshot'> | null;
}

/** So many are held: what rounds have in common is in memory once. */
const mostHeld = 64;
/** But so many whole pools at most. Rounds that were decided where one keyframe follows another lead back to either. */
const mostKeyframes = 2;

/**
 * Reads what decisions were made of, whole again however it was kept (`InputsChain`). What it has put together last stays in
 * memory, so that of rounds that are read one after the other each costs a step: use one for a run, and let it go.
 */
export class KeptInputs {
  private readonly held = new Map<string, Whole>();

  constructor(private readonly decisions: Pick<DecisionRepository, 'inputs'>) {}

  /**
   * Null when they are not kept any more, or something that they lead back to is not. A step that another version
   * kept, and that cannot be taken, is answered as it is.
   */
  async of(hash: string): Promise<Inputs | null> {
    const steps: { readonly hash: string; readonly body: Inputs }[] = [];
    const seen = new Set<string>();
    let from = hash;
    let whole = this.held.get(from);
    while (whole === undefined) {
      // They lead round in a circle, which somebody made.
      if (seen.has(from)) return null;
      seen.add(from);
      const body = await keptBody(this.decisions, from);
      if (body === null) return null;
      if (typeof body['after'] === 'string') {
        steps.push({ hash: from, body });
        from = body['after'];
        whole = this.held.get(from);
      } else if ('snapshot' in body) {
        whole = this.hold(from, { keyframe: from, inputs: body, world: worldSchema.safeParse(body).data ?? null });
      } else {
        whole = { keyframe: from, inputs: body, world: null };
      }
    }
    for (const { hash: next, body } of steps.toReversed()) {
      const step = stepSchema.safeParse(body);
      if (whole.world === null || !step.success) return steps[0]?.body ?? null;
      const inputs = afterStep(whole.world, step.data);
      whole = this.hold(next, { keyframe: whole.keyframe, inputs: { ...inputs }, world: inputs });
    }
    return whole.inputs;
  }

  private hold(hash: string, whole: Whole): Whole {
    this.held.set(hash, whole);
    const keyframes = [...new Set([...this.held.values()].map(({ keyframe }) => keyframe))].slice(-mostKeyframes);
    const surplus = this.held.size - mostHeld;
    [...this.held].forEach(([old, { keyframe }], index) => {
      if (index < surplus || !keyframes.includes(keyframe)) this.held.delete(old);
    });
    return whole;
  }
}
