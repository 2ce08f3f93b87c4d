import type { Replay, ReplayedItem } from '@paravcl/shared/api/replay';
import type { Decision } from '@paravcl/shared/domain/decision';
import { namesOfRound } from '../core/explain-replay';
import type { Policies } from '../core/plan';
import { replayRound, type Replayed, type RoundInputs, type TriedPolicy } from '../core/replay';
import { replayReservation } from '../core/replay-reservation';
import { policiesOfRecord } from './named-policies';
import { fromAnotherVersion, moduleFailed, notKept, withoutPolicy } from './replay-faults';
import { mostItems, notReproducedView, otherwiseView } from './replay-view';
import type { StoredRound } from './stored-rounds';

/** What came of replaying a time, round by round. */
export class ReplayTally {
  /** Of the last round that was replayed; null where this master does not have them, or there was none. */
  lastPolicies: Policies | null = null;
  private rounds = 0;
  private readonly policies = new Set<string>();
  private readonly leftOut = new Map<string, number>();
  private decisions = 0;
  private reproduced = 0;
  private readonly others: ReplayedItem[] = [];
  private otherCount = 0;
  private answers = 0;
  private same = 0;
  private readonly differing: ReplayedItem[] = [];

  constructor(
    private readonly tried: TriedPolicy,
    private readonly inForce: Policies,
  ) {}

  /** Replays one round. Answers the round's inputs where it could be replayed, for what is made of them besides. */
  add({ decisions, inputs }: StoredRound): RoundInputs | null {
    if (inputs === null) return this.leave(notKept, decisions);
    switch (inputs.of) {
      case 'another-version':
        return this.leave(fromAnotherVersion(inputs.field), decisions);
      case 'reservation': {
        replayReservation(inputs.inputs, decisions).forEach((isSame, index) => {
          const decision = decisions[index];
          if (decision !== undefined) this.verified(isSame, () => reservationView(decision));
        });
        return null;
      }
      case 'round':
        return this.round(inputs.inputs, decisions);
    }
  }

  result(): Pick<Replay, 'rounds' | 'recorded' | 'compared' | 'policy'> {
    return {
      rounds: this.rounds,
      policy: { tried: this.tried.name, recorded: [...this.policies].sort() },
      recorded: {
        decisions: this.decisions,
        reproduced: this.reproduced,
        others: this.otherCount,
        items: this.others,
        leftOut: [...this.leftOut].map(([sentence, count]) => ({ decisions: count, sentence })),
      },
      compared: { answers: this.answers, same: this.same, differing: this.answers - this.same, items: this.differing },
    };
  }

  private round(inputs: RoundInputs, decisions: readonly Decision[]): RoundInputs | null {
    const recorded = policiesOfRecord(inputs.policy, this.inForce);
    let replayed: readonly Replayed[];
    try {
      replayed = replayRound(inputs, decisions, recorded, this.tried);
    } catch (error) {
      // The core does not throw; a module of the site's own may.
      return this.leave(moduleFailed(error), decisions);
    }
    this.rounds += 1;
    this.lastPolicies = recorded;
    this.policies.add(inputs.policy);
    const names = namesOfRound(inputs);
    if (recorded === null) this.leave(withoutPolicy(inputs.policy), decisions);
    for (const one of replayed) {
      if (recorded !== null && one.decided !== null) this.verified(one.reproduced, () => notReproducedView(one, inputs.at, names));
      if (one.again === null && one.decided === null) continue;
      this.answers += 1;
      if (one.same) this.same += 1;
      else if (this.differing.length < mostItems) this.differing.push(otherwiseView(one, inputs.at, names, { recorded: inputs.policy, tried: this.tried.name }));
    }
    return inputs;
  }

  private verified(isSame: boolean, view: () => ReplayedItem): void {
    this.decisions += 1;
    if (isSame) {
      this.reproduced += 1;
      return;
    }
    this.otherCount += 1;
    if (this.others.length < mostItems) this.others.push(view());
  }

  private leave(why: string, { length }: readonly Decision[]): null {
    if (length > 0) this.leftOut.set(why, (this.leftOut.get(why) ?? 0) + length);
    return null;
  }
}

/** A decision about a reservation that comes to something else now. */
export function reservationView({ id, at, subject, kind, chosen, sentence }: Decision): ReplayedItem {
  return {
    at, decisionId: id, subject, name: `reservation ${subject.id}`, same: false, after: null,
    before: { kind, slaveId: chosen?.slaveId ?? null, slaveName: null, place: null, victims: [], sentence },
    sentence: 'Admitted again from the same inputs it comes to something else now. Another version of ParaVCL decided then.',
  };
}
