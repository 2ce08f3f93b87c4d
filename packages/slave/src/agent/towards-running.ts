import { wantedDiskEpoch } from '@paravcl/shared/protocol/desired-instance';
import { continueAfterDiskError, lastingDiskError } from './disk-error';
import { domainLost, stoppedByGuest, vanished, wentDownByItself } from './ended-by-itself';
import { cleanUp, givenUp } from './failed-launch';
import { cut } from './failures';
import { goneOn, type Marks } from './marks';
import { act, addressSteps, earliest, firstFinal, markSteps, noteSteps, observe, retryAt, type Plan, type View, type Wanted } from './plan';
import type { Step } from './steps';

/** A guest that took no address by then is called running all the same; well before the master's five minutes. */
export const bootGraceMs = 3 * 60_000;

/** Wanted running. A domain that is active is never taken down here, and what was saved is restored, never booted afresh. */
export function towardsRunning(desired: Wanted, view: View): Plan {
  const state = view.facts.domain?.state ?? null;
  switch (state) {
    case 'running':
      return keepRunning(desired, view);
    case 'paused':
    case 'migrating':
      // One that came while it ran was never anything else to its owner.
      return act(view, [{ kind: 'continue', before: { booted: true, stopAsked: false } }], observe(desired, hasCome(view) ? 'running' : 'resuming'));
    case 'paused-io':
      return continueAfterDiskError(desired, view);
    case 'shutting-down':
      return act(view, [], observe(desired, 'stopping'));
    case 'saved':
      return launch(desired, view);
    case 'off':
    case 'crashed':
      return wentDownByItself(desired, view) ? stoppedByGuest(desired, view, state) : givenUp(desired, view) ? cleanUp(desired, view) : launch(desired, view);
    case null:
      if (givenUp(desired, view)) return cleanUp(desired, view);
      return vanished(desired, view) ? domainLost(desired, view) : launch(desired, view);
  }
}

/**
 * It runs. Its boot is over when its address is taken, when it was restored, or when the grace has passed.
 *
 * Its address is reserved only now: libvirt reloads the host's firewall for every DHCP entry (0.4 s, under
 * the lock that a start needs too), and a guest asks for its address a second or more after its start.
 */
function keepRunning(desired: Wanted, view: View): Plan {
  const { marks, facts, recollection, nowMs } = view;
  const since = recollection.bootingSinceMs ?? nowMs;
  const up: Marks['up'] = marks.up === 'yes' || facts.leased ? 'yes' : marks.up === 'silent' || nowMs >= since + bootGraceMs ? 'silent' : 'no';
  const seen: Partial<Marks> = {
    ...(marks.booted ? {} : { booted: true }),
    ...(marks.ran?.generation === desired.generation && marks.ran.hostBootId === facts.hostBootId
      ? {}
      : { ran: { generation: desired.generation, hostBootId: facts.hostBootId } }),
    ...(up === marks.up ? {} : { up }),
    ...(marks.failed === null ? {} : { failed: null }),
    ...(marks.lost === null ? {} : { lost: null }),
    ...goneOn(marks),
  };
  const reserve = up === 'yes' ? [] : addressSteps(desired.spec, facts);
  const refused = firstFinal(reserve, recollection.failures);
  const diskError = lastingDiskError(view);
  const observed =
    diskError !== null || up !== 'silent'
      ? observe(desired, up === 'no' ? 'booting' : 'running', diskError?.reason ?? null)
      : observe(
          desired,
          'running',
          refused === null
            ? { code: 'DeadlinePassed', sentence: `The guest runs but took no address within ${bootGraceMs / 60_000} minutes of its boot; its console tells more.` }
            : { code: 'SlaveRefused', sentence: refused.sentence },
        );
  const plan = act(view, [...noteSteps(seen), ...reserve, ...markSteps(desired, facts)], observed, diskError?.overAtMs ?? null);
  // The hypervisor has no event for a DHCP lease, so it is asked: often at first, seldom later.
  const pollMs = up === 'no' ? (nowMs - since < 20_000 ? 500 : 1000) : up === 'silent' ? 10_000 : null;
  return pollMs === null ? plan : { ...plan, wakeAtMs: earliest(plan.wakeAtMs, nowMs + pollMs) };
}

/** From another slave, and it has not run here yet. */
function hasCome({ marks }: View): boolean {
  return marks.migration?.attempt === 'begun';
}

/** Images, then disk and definition side by side, then the RAM that the disk awaits, then the start. */
function launch(desired: Wanted, view: View): Plan {
  const { booted, facts, recollection } = view;
  const state = facts.domain?.state ?? null;
  const restores = state === 'saved';
  if (!facts.files && booted) return domainLost(desired, view);

  const underWay = restores
    ? observe(desired, 'resuming')
    : { ...observe(desired, 'preparing'), progressPercent: facts.missingImages.length > 0 ? recollection.progressPercent : null };
  if (!facts.networkReady && facts.missingImages.length === 0) return act(view, [], underWay);

  const steps = nextOfLaunch(desired, view, restores);
  const final = firstFinal(steps, recollection.failures);
  if (final === null) return act(view, steps, underWay);
  if (!booted) return { steps: [{ kind: 'give-up', generation: desired.generation, reason: final }], observed: underWay, wakeAtMs: null };
  const kept = restores ? ' Its saved RAM and its disk are kept.' : ' Its disk is kept.';
  return act(view, steps, observe(desired, restores ? 'suspended' : 'stopped', { code: final.code, sentence: cut(`${final.sentence}${kept}`) }));
}

function nextOfLaunch(desired: Wanted, { facts, recollection, nowMs }: View, restores: boolean): readonly Step[] {
  const { spec, generation } = desired;
  const adoptRam: Step = { kind: 'adopt-ram', generation, spec };
  // It has it, and is only to be told so.
  if (restores && facts.awaitsRam) return [adoptRam];
  if (facts.missingImages.length > 0) return facts.missingImages.map((image) => ({ kind: 'fetch-image', image }));
  const steps: Step[] = [];
  const makeFiles: Step = { kind: 'create-files', spec, before: { made: true, diskEpoch: wantedDiskEpoch(spec) } };
  if (!facts.files) steps.push(makeFiles);
  // A guest that comes back with its RAM believes that it has its address, and does not ask soon.
  if (restores) steps.push(...addressSteps(desired.spec, facts));
  // A definition that an earlier attempt left may name another backing than the files that are made now.
  const madeNow = !facts.files && retryAt(makeFiles, recollection, nowMs) <= nowMs;
  // A saved domain keeps its definition until it runs: its RAM was saved under that one.
  if (facts.domain === null || (!restores && (madeNow || facts.domain.generation !== generation))) steps.push({ kind: 'define', generation, spec });
  if (steps.length > 0) return steps;
  if (facts.awaitsRam) return [adoptRam];
  return [{ kind: 'start', boots: !restores, before: { booted: true, stopAsked: false, up: restores ? 'yes' : 'no' } }];
}
