import type { Reason } from '@paravcl/shared/domain/reasons';
import { wantedDiskEpoch, type MigrationStanding, type ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import { act, addressSteps, firstFinal, noteSteps, observe, retryAt, type Plan, type Received, type View } from './plan';
import type { Step } from './steps';

const arrivalLookMs = 1000;

/**
 * Ordered from another slave, running (decision 0019). All is made for it as for a launch, but nothing is started: what comes
 * over the streams stays paused until the next order. One attempt is let in; a disk that another one wrote into is not written again.
 */
export function towardsReceived(desired: Received, view: View): Plan {
  const { facts, marks, recollection } = view;
  const { generation } = desired;
  const stays = (reason: Reason): Plan => act(view, [], told(desired, 'stopped', 'stayed', reason));
  switch (facts.domain?.state ?? null) {
    case 'running':
    case 'paused':
    case 'paused-io':
      // It has its address, and is not going to ask for it.
      return act(view, marks.booted && marks.up === 'yes' ? [] : noteSteps({ booted: true, up: 'yes', stopAsked: false }), told(desired, 'running', 'arrived'));
    case 'migrating':
    case 'shutting-down':
      // The event of its arrival may be lost, and it stands still until that is told.
      return act(view, [], told(desired, 'preparing', 'awaiting'), view.nowMs + arrivalLookMs);
    case 'saved':
      return stays(refused('RAM of it is kept on this host already'));
    case 'off':
    case 'crashed':
    case null:
  }
  const own = marks.migration?.generation === generation ? marks.migration.attempt : null;
  if (own === 'begun') return stays(refused('what came of it broke off on the way'));
  if (facts.files && own === null) return stays(refused('files of it are on this host already'));
  const steps = nextOfMaking(desired, view);
  if (steps.length === 0) return act(view, [], told(desired, 'preparing', facts.networkReady ? 'awaiting' : null), view.nowMs + arrivalLookMs);
  const final = firstFinal(steps, recollection.failures);
  return final === null ? act(view, steps, { ...told(desired, 'preparing', null), progressPercent: facts.missingImages.length > 0 ? recollection.progressPercent : null }) : stays(final);
}

function nextOfMaking({ spec, generation }: Received, view: View): readonly Step[] {
  const { facts, recollection, nowMs } = view;
  if (facts.missingImages.length > 0) return facts.missingImages.map((image) => ({ kind: 'fetch-image', image }));
  const makeFiles: Step = { kind: 'create-files', spec, before: { made: true, diskEpoch: wantedDiskEpoch(spec), migration: { generation, attempt: 'made' } } };
  const madeNow = !facts.files && retryAt(makeFiles, recollection, nowMs) <= nowMs;
  const define: Step = { kind: 'define', generation, spec };
  return [
    ...(facts.files ? [] : [makeFiles]),
    ...(facts.networkReady ? addressSteps(spec, facts) : []),
    ...(facts.networkReady && (facts.domain === null || madeNow || facts.domain.generation !== generation) ? [define] : []),
  ];
}

function told(desired: Received, state: ObservedInstance['state'], standing: MigrationStanding | null, reason: Reason | null = null): ObservedInstance {
  return { ...observe(desired, state, reason), ...(standing === null ? {} : { migration: { id: desired.migration.id, standing } }) };
}

function refused(why: string): Reason {
  return { code: 'SlaveRefused', sentence: `It was not taken: ${why}.` };
}

