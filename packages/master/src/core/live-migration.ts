import type { EpochMs } from '@paravcl/shared/clock';
import type { Describe } from '@paravcl/shared/domain/slave';
import type { MigrationStanding } from '@paravcl/shared/protocol/desired-instance';
import type { InstanceRecord } from './instance-record';

/** An instance that goes to another slave while it runs, or went (decision 19). */
export interface LiveMigration {
  readonly id: string;
  readonly instanceId: string;
  /** The slave that is emptied, as an operation. */
  readonly evacuationId: string;
  readonly fromSlaveId: string;
  readonly toSlaveId: string;
  /** Opens the source's streams; null once it is over. */
  readonly ticket: string | null;
  /** Of the destination's order. */
  readonly arrivalGeneration: number;
  /** Of the source's; null until it has one. */
  readonly sentGeneration: number | null;
  /** The home volume of its owner goes along, under this epoch there; null: it has none. */
  readonly homeEpoch: number | null;
  /** `opening`: only the destination has an order. `sending`: both have, and who has the guest is not known. */
  readonly state: 'opening' | 'sending' | 'moved' | 'stayed';
  /** What each said last under its order, and why. */
  readonly sourceSaid: MigrationStanding | null;
  readonly sourceWhy: string | null;
  readonly destinationSaid: MigrationStanding | null;
  readonly destinationWhy: string | null;
  /** How it ended; null while it is open. */
  readonly sentence: string | null;
  readonly startedAt: EpochMs;
  /** Until then the destination is ready, or it is given up. */
  readonly deadlineAt: EpochMs;
  readonly endedAt: EpochMs | null;
}

/** So long the destination has to make files and definition. */
export const openingMs = 300_000;
/** So long the source tries to send the guest before it keeps it. */
export const sendingMs = 600_000;
/** The source has sent it: what is not there so long after the destination could have said so has not arrived. Longer than a slave may take to look at its host. */
export const unarrivedMs = 120_000;

/** One of the two slaves, as it is now. */
export interface MigrationEnd {
  readonly name: string;
  readonly connected: boolean;
  /** An administrator declared it dead, or it left the pool: it is not waited for. */
  readonly gone: boolean;
  /** It takes what is new. */
  readonly approved: boolean;
}

export interface MigrationWorld {
  /** Null when it is gone. */
  readonly instance: Pick<InstanceRecord, 'name' | 'desired' | 'observed' | 'generation' | 'observedGeneration' | 'reason' | 'slaveId'> | null;
  readonly source: MigrationEnd;
  readonly destination: MigrationEnd;
  /** Its slave is still being emptied. */
  readonly wanted: boolean;
  /** How long the destination has been connected, without having it, since it was known that only the destination can have it. */
  readonly unarrivedForMs: number;
  readonly now: EpochMs;
}

export type MigrationStep =
  | { readonly kind: 'wait' }
  /** The destination waits for it: the source is ordered to send it. */
  | { readonly kind: 'order-send' }
  /** It runs at the destination from now on. */
  | { readonly kind: 'commit-moved' }
  /** The source has it, or whatever is left of it: `cold`: only its disk. `said`: the slave’s own word for it, with those of its tools: for whoever looks after the slave. */
  | { readonly kind: 'commit-stayed'; readonly why: string; readonly said: string | null; readonly cold: boolean };

const wait: MigrationStep = { kind: 'wait' };
const stayed = (why: string, cold = false): MigrationStep => ({ kind: 'commit-stayed', why, said: null, cold });
const couldNot = (what: 'send' | 'take', { name }: MigrationEnd, word: string | null, cold = false): MigrationStep => ({
  kind: 'commit-stayed', why: `${name} could not ${what} it.`, said: word === null ? null : `${name} says: ${word}`, cold,
});

/**
 * What comes next of a migration that is open, by the books alone:
 * 1. one that is to be deleted ends at once, whoever has it: both are owed the tombstone already;
 * 2. until the source is ordered anything that is in the way ends it, and nothing has happened to the guest;
 * 3. from then on only the source's word decides, however long it is silent; `sent` alone is not enough, for the guest may have been lost on its way;
 * 4. a source that is gone for good has no word any more: then it is where it has arrived, if it has.
 */
export function migrationStep(migration: LiveMigration, world: MigrationWorld): MigrationStep {
  const { instance } = world;
  if (migration.state !== 'opening' && migration.state !== 'sending') return wait;
  if (instance === null || instance.desired === 'deleted' || instance.observed === 'deleted') return stayed('It is deleted.');
  return migration.state === 'opening' ? whileOpening(migration, instance, world) : whileSending(migration, world);
}

function whileOpening(migration: LiveMigration, instance: NonNullable<MigrationWorld['instance']>, { source, destination, wanted, now }: MigrationWorld): MigrationStep {
  if (source.gone) return stayed(`${source.name} is gone.`);
  if (destination.gone) return stayed(`${destination.name} is gone.`);
  if (!destination.approved) return stayed(`${destination.name} takes nothing new any more.`);
  if (!wanted) return stayed(`${source.name} is not being emptied any more.`);
  if (migration.destinationSaid === 'stayed') return couldNot('take', destination, migration.destinationWhy);
  if (instance.slaveId !== migration.fromSlaveId || instance.desired !== 'running') return stayed('It was asked for something else.');
  const isSilent = instance.observed === 'lost' && instance.reason?.code === 'SlaveOffline';
  if (instance.observed !== 'running' && !isSilent) return stayed(`It is ${instance.observed}.`);
  if (now >= migration.deadlineAt) return stayed(`${destination.name} was not ready for it in time.`);
  const runs = instance.observed === 'running' && instance.observedGeneration === instance.generation;
  return migration.destinationSaid === 'awaiting' && runs && source.connected && destination.connected ? { kind: 'order-send' } : wait;
}

function whileSending({ sourceSaid, sourceWhy, destinationSaid, destinationWhy }: LiveMigration, { source, destination, unarrivedForMs }: MigrationWorld): MigrationStep {
  // Whatever arrived beside it never ran, and goes.
  if (sourceSaid === 'stayed') return couldNot('send', source, sourceWhy);
  if (sourceSaid !== 'sent' && !source.gone) return wait;
  if (destinationSaid === 'arrived' && !destination.gone) return { kind: 'commit-moved' };
  const cold = sourceSaid === 'sent';
  if (destination.gone) return stayed(`${destination.name} is gone.`, cold);
  if (destinationSaid === 'stayed') return couldNot('take', destination, destinationWhy, cold);
  return destination.connected && unarrivedForMs >= unarrivedMs ? stayed(`It did not arrive on ${destination.name}.`, cold) : wait;
}

/** Whether nobody but the destination can have the guest: from then on it is asked how long it does not say so. */
export function awaitsArrival({ state, sourceSaid, destinationSaid }: LiveMigration, { source }: Pick<MigrationWorld, 'source'>): boolean {
  return state === 'sending' && (sourceSaid === 'sent' || source.gone) && destinationSaid !== 'arrived';
}

/** What a slave is told of an instance with this migration; `own`: what is desired of it, if it is its slave. */
export function orderWhile({ state, fromSlaveId, toSlaveId }: Pick<LiveMigration, 'state' | 'fromSlaveId' | 'toSlaveId'>, slaveId: string): 'sent' | 'received' | 'own' {
  if (state === 'sending' && slaveId === fromSlaveId) return 'sent';
  return (state === 'opening' || state === 'sending') && slaveId === toSlaveId ? 'received' : 'own';
}

/** Since then an emulating QEMU tells of each page that its guest writes while it is sent ("physmem: Fix migration dirty bitmap coherency with TCG memory access"). */
const wholeSince = 9;

/**
 * Whether this hypervisor may leave out of the RAM that it sends what its guest wrote on the way: QEMU that emulates, before 9.0. Its guest then panics
 * at the other end, or goes on with wrong data (decision 19 has the counts). Under KVM the processor tells of each page.
 */
export function missesWrites({ kind, qemu }: Pick<Describe['hypervisor'], 'kind' | 'qemu'>): boolean {
  return kind === 'qemu' && !(Number.parseInt(qemu ?? '', 10) >= wholeSince);
}
