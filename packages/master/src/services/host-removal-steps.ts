import type { HostFinding } from '@paravcl/shared/domain/host-install';
import { shellWord } from '@paravcl/shared/shell-quote';
import type { HostFacts } from '../core/install-preflight';
import type { SlaveRecord } from '../repositories/slave-record';
import { beginVisit, done, entrySteps, refuseFaults, skipped, type Entry, type Stay } from './host-entry-steps';
import type { InstallStep } from './host-install-runner';
import { unproven } from './host-proof';

const minuteMs = 60_000;

export interface RemovalWork extends Entry {
  readonly slaveId: string;
  readonly slave: () => Promise<SlaveRecord | null>;
  readonly retire: () => Promise<void>;
  /** What is still on it of instances is deleted with it. */
  readonly deleteDisks: boolean;
  readonly keepPackages: boolean;
}

/** Takes a host out of the pool, and off it what was put there. */
export function removalSteps(work: RemovalWork, stay: Stay): readonly InstallStep[] {
  const { place: { address } } = work;
  const look: InstallStep = {
    step: 'look', sentence: `Looks whether ${address} is that host.`, deadlineMs: 5 * minuteMs,
    run: async ({ signal }) => {
      await beginVisit(work, stay, signal);
      stay.facts = await stay.there.facts(stay.machineId, signal);
      const slave = await work.slave();
      const identity = judgeRemoval(stay.facts, address, slave);
      const isEnrolled = (stay.facts.get('enrolled_slave') ?? '') !== '';
      const findings = [
        identity,
        // Of one that was retired nothing is taken any more, whoever says to be it.
        ...(identity.level === 'fault' || slave === null || slave.admission === 'retired' || !isEnrolled ? [] : await unproven(stay.there, slave, signal)),
        ...(identity.level === 'fault' || work.deleteDisks ? [] : judgeInstances(await stay.there.instances(signal), address, slave?.name ?? 'the host')),
      ];
      await work.onFindings(findings);
      refuseFaults(findings);
      return done(identity.sentence);
    },
  };
  const retire: InstallStep = {
    step: 'retire', sentence: 'Takes it out of the pool.', deadlineMs: minuteMs,
    run: async () => {
      const slave = await work.slave();
      if (slave === null || slave.admission === 'retired') return skipped('It has left the pool already.');
      await work.retire();
      return done(`${slave.name} has left the pool.`);
    },
  };
  const remove: InstallStep = {
    step: 'remove', sentence: `Takes off ${address} what was put there.`, deadlineMs: 16 * minuteMs,
    run: async (telling) => {
      const options = [...(work.keepPackages ? ['--keep-packages'] : []), ...(work.deleteDisks ? ['--force'] : [])];
      const answer = await stay.there.verb(['remove', ...options], { timeoutMs: 15 * minuteMs, telling });
      const stays = [...answer.left, ...(work.keepPackages ? ['the packages that came with it'] : [])];
      const left = stays.length === 0 ? '' : ` Left there: ${stays.join('; ').slice(0, 1000)}.`;
      if (answer.did.length === 0) return skipped(`Nothing of it was on ${address} any more.${left}`);
      return done(left === '' ? `Nothing of ParaVCL is left on ${address}.` : `What was put on ${address} is off it again.${left}`);
    },
  };
  return [...entrySteps(work, stay), look, retire, remove];
}

/** Whether what is at this address is the host that shall go. Another master's is left alone. */
export function judgeRemoval(facts: HostFacts, address: string, slave: Pick<SlaveRecord, 'id' | 'name' | 'machineId' | 'admission'> | null): HostFinding {
  const enrolled = facts.get('enrolled_slave') ?? '';
  const release = facts.get('installed_release') ?? '';
  const name = slave?.name ?? 'the host';
  const isFine = (sentence: string): HostFinding => ({ check: 'identity', level: 'fine', sentence, remedy: null });
  if (enrolled !== '' && enrolled === slave?.id) return isFine(`${address} is ${name}.`);
  if (enrolled === '' && facts.get('machine_id') === slave?.machineId && slave?.admission !== 'retired') {
    // A machine id is copied easily.
    return { check: 'identity', level: 'fault', sentence: `${address} has the machine id of ${name} and is enrolled nowhere, so nothing proves that it is ${name}.`, remedy: `If it is, retire ${name} first (in the portal, or paravcl slaves retire ${shellWord(name)}), then begin again: what is left there is taken off then. Nothing was changed.` };
  }
  if (enrolled === '' && facts.get('machine_id') === slave?.machineId) return isFine(release === '' ? `${address} is ${name}, and has no agent any more.` : `${address} is ${name}, and is enrolled nowhere any more.`);
  const master = facts.get('enrolled_master') ?? '';
  return {
    check: 'identity', level: 'fault',
    sentence: enrolled === '' ? `${address} is not ${name}: it has another machine id.` : `${address} is not ${name}: it is enrolled as another host${master === '' ? '' : ` at ${master}`}.`,
    remedy: `Give the address at which ${name} is reached now. Nothing was changed.`,
  };
}

/** Told before the host is retired: the script refuses to delete disks that nobody gave up. */
function judgeInstances(ids: readonly string[], address: string, name: string): readonly HostFinding[] {
  if (ids.length === 0) return [];
  const some = ids.slice(0, 5).join(', ');
  const more = ids.length > 5 ? ` and ${ids.length - 5} more` : '';
  return [{
    check: 'instances', level: 'fault',
    sentence: `Instances are still on ${address}: ${some}${more}.`,
    remedy: `Empty ${name} first (evacuate it), or have their disks deleted with it (deleteDisks, --delete-disks): what is on them is lost then. Nothing was changed.`,
  }];
}
