import type { Reason } from '@paravcl/shared/domain/reasons';
import type { MigrationStanding, ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import { cut } from './failures';
import { plainStates } from './plain-states';
import { act, bootedSteps, noteSteps, observe, type Plan, type Sent, type View } from './plan';

/**
 * Ordered to another slave while it runs (decision 0019). It is sent once; whatever came of it, nothing here starts, continues or
 * ends it until the next order, for only the master can know which of the two slaves has it.
 *
 * That it stays is written down before it is told: the master then has it run here, and a try that came later could still take it away.
 */
export function towardsSent(desired: Sent, view: View): Plan {
  const { facts, marks, recollection } = view;
  const state = facts.domain?.state ?? null;
  // What has arrived is the newer one, also when libvirt was killed between the end of the guest here and that of its definition.
  // Should it come back to this slave after all, its disk boots: that it is off is nobody's fault.
  if (state === null || state === 'off' || state === 'crashed') return act(view, noteSteps(marks.stopAsked ? {} : { stopAsked: true }), told(desired, 'stopped', 'sent'));
  const stays = (reason: Reason | null): Plan => act(view, bootedSteps(marks), told(desired, plainStates[state], 'stayed', reason));
  if (marks.migration?.generation === desired.generation && marks.migration.attempt === 'over') return stays(whyStayed(view));
  if (state !== 'running' || recollection.failures.has('send-guest')) return act(view, noteSteps({ migration: { generation: desired.generation, attempt: 'over' } }), told(desired, plainStates[state], 'sending'));
  return act(view, [{ kind: 'send-guest', migration: desired.migration, spec: desired.spec }, ...bootedSteps(marks)], told(desired, 'running', 'sending'));
}

function whyStayed({ facts, recollection }: View): Reason {
  const failure = recollection.failures.get('send-guest');
  return { code: 'SlaveRefused', sentence: cut(`It was not sent: ${failure?.message ?? `on this host its domain is ${facts.domain?.state ?? 'gone'}.`}`) };
}

function told(desired: Sent, state: ObservedInstance['state'], standing: MigrationStanding, reason: Reason | null = null): ObservedInstance {
  return { ...observe(desired, state, reason), migration: { id: desired.migration.id, standing } };
}
