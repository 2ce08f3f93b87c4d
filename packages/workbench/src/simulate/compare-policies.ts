import { orderingPolicies } from '@paravcl/master/core/ordering';
import { placementPolicies } from '@paravcl/master/core/rank';
import { simulateSite } from '@paravcl/master/core/simulation/simulate-site';
import type { SimulationOutcome } from '@paravcl/master/core/simulation/simulation-outcome';
import { drawHosts, drawnSaveFactor, usualRules } from './simulated-hosts';
import { dayMs, type Term } from './term';
import type { Workload } from './workload';

/** How a term can be served. `no-preemption` is Para's order where `preemption.perDay` is 0: nobody is suspended for others, reservations included. */
export const servedAs = {
  para: { ordering: orderingPolicies.para, preemptionsPerDay: 2 },
  fifo: { ordering: orderingPolicies.fifo, preemptionsPerDay: 2 },
  'no-preemption': { ordering: orderingPolicies.para, preemptionsPerDay: 0 },
} as const;

export type PolicyName = keyof typeof servedAs;

export const policyNames = Object.keys(servedAs) as readonly PolicyName[];

/** Plays the term's workload under one policy; `onMidnight` is told how far it is. */
export function serveTerm(term: Term, { requests, reservations }: Workload, policy: PolicyName, onMidnight?: (at: number) => void): SimulationOutcome {
  const { ordering, preemptionsPerDay } = servedAs[policy];
  return simulateSite({
    beginsAt: term.beginsAt,
    until: term.beginsAt + term.days * dayMs,
    slaves: drawHosts(term.slaves, term.seed),
    rules: usualRules,
    policies: { ordering, placement: placementPolicies.para },
    preemptionsPerDay,
    requests,
    reservations,
    saveFactor: drawnSaveFactor(term.seed),
    onMidnight,
  });
}
