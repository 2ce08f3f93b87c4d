import type { SiteNetwork } from '@paravcl/shared/domain/slave';
import type { CommandResult } from '@paravcl/shared/protocol/commands';
import type { DesiredInstance, InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import type { ToldEnd } from './instance-end';
import type { JournalRecord } from './journal-record';
import { noMarks, type Marks } from './marks';

export interface JournaledInstance {
  readonly desired: DesiredInstance | null;
  /** Spec of the last desired state that had one: a tombstone names neither MAC nor name. */
  readonly spec: InstanceSpec | null;
  /** When the newest end was told, kept while the instance is suspended or stopped; null without an end, or from an agent that did not note it. */
  readonly told: ToldEnd | null;
  readonly marks: Marks;
}

/** What the journal's records add up to. */
export interface JournalState {
  readonly epoch: number;
  readonly network: SiteNetwork | null;
  readonly instances: ReadonlyMap<string, JournaledInstance>;
  /** Results the master has not confirmed, oldest first. */
  readonly results: ReadonlyMap<string, CommandResult>;
}

export const emptyJournal: JournalState = { epoch: 0, network: null, instances: new Map(), results: new Map() };

/** More unconfirmed results than this are not kept: the oldest go, their commands have long passed their deadline. */
const resultsKept = 100;

/** An instance that no record names. */
export const noInstance: JournaledInstance = { desired: null, spec: null, told: null, marks: noMarks };

/** The state after one more record. */
export function applyRecord(state: JournalState, record: JournalRecord): JournalState {
  switch (record.kind) {
    case 'compacted':
      return emptyJournal;
    case 'epoch':
      return { ...state, epoch: record.epoch };
    case 'network':
      return { ...state, network: record.network };
    case 'desired': {
      const { desired } = record;
      const earlier = state.instances.get(desired.instanceId) ?? noInstance;
      return withInstance(state, desired.instanceId, { ...earlier, desired, spec: desired.spec ?? earlier.spec, told: toldIn(record) });
    }
    case 'marks': {
      const earlier = state.instances.get(record.instanceId) ?? noInstance;
      return withInstance(state, record.instanceId, { ...earlier, marks: record.marks });
    }
    case 'forgotten': {
      const known = state.instances.get(record.instanceId);
      // A newer order than the one that is confirmed is kept.
      if (known?.desired && (known.desired.desired !== 'deleted' || known.desired.generation > record.generation)) return state;
      const instances = new Map(state.instances);
      instances.delete(record.instanceId);
      return { ...state, instances };
    }
    case 'result': {
      const results = new Map(state.results).set(record.result.commandId, record.result);
      for (const oldest of results.keys()) {
        if (results.size <= resultsKept) break;
        results.delete(oldest);
      }
      return { ...state, results };
    }
    case 'result-stored': {
      const results = new Map(state.results);
      results.delete(record.commandId);
      return { ...state, results };
    }
  }
}

/** A journal before told ends named them has the end in the order beside it. */
function toldIn({ desired, told }: Extract<JournalRecord, { kind: 'desired' }>): ToldEnd | null {
  const endsAt = told?.endsAt ?? ('endsAt' in desired ? desired.endsAt : null);
  return told && endsAt ? { ...told, endsAt } : null;
}

function withInstance(state: JournalState, instanceId: string, instance: JournaledInstance): JournalState {
  return { ...state, instances: new Map(state.instances).set(instanceId, instance) };
}

/** The fewest records that add up to the state; what compaction writes. */
export function recordsOf(state: JournalState): readonly JournalRecord[] {
  const records: JournalRecord[] = [{ kind: 'compacted' }];
  if (state.epoch > 0) records.push({ kind: 'epoch', epoch: state.epoch });
  if (state.network !== null) records.push({ kind: 'network', network: state.network });
  for (const [instanceId, { desired, spec, told, marks }] of state.instances) {
    // A tombstone needs the spec before it, for the MAC and the name.
    if (desired?.desired === 'deleted' && spec !== null && desired.generation > 1) {
      records.push({ kind: 'desired', desired: { instanceId, generation: desired.generation - 1, desired: 'stopped', spec } });
    }
    if (desired !== null) records.push({ kind: 'desired', desired, ...(told === null ? {} : { told }) });
    if (marks !== noMarks) records.push({ kind: 'marks', instanceId, marks });
  }
  for (const result of state.results.values()) records.push({ kind: 'result', result });
  return records;
}
