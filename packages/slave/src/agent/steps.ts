import type { Reason } from '@paravcl/shared/domain/reasons';
import type { DesiredInstance, InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import type { NeededImage } from '../disks/disk-store';
import { destroyCallMs, quickCallMs, ramCallMs } from '../hypervisor/call-limits';
import type { AddressReservation } from '../hypervisor/driver';
import type { Marks } from './marks';

/** Every step the agent knows, with its data. `before` is written to the journal before the act. */
interface StepData {
  'fetch-image': { readonly image: NeededImage };
  'create-files': { readonly before: Partial<Marks>; readonly spec: InstanceSpec };
  'reserve-address': { readonly reservation: AddressReservation };
  /** Makes the definition; on a running domain only the mark's generation changes. */
  define: { readonly generation: number; readonly spec: InstanceSpec };
  /** Gives the domain the RAM that its disk awaits. */
  'adopt-ram': { readonly generation: number; readonly spec: InstanceSpec };
  /** Its disk awaits RAM no longer, and boots. */
  'give-up-ram': Record<never, never>;
  /** Boots it, or restores its save. */
  start: { readonly before: Partial<Marks>; readonly boots: boolean };
  /** Continues a guest that a disk error stopped. */
  'resume-disk': Record<never, never>;
  /** ACPI power button; the power is taken away at `destroyAtMs` (monotonic). */
  shutdown: { readonly before: Partial<Marks>; readonly destroyAtMs: number };
  destroy: { readonly before: Partial<Marks> };
  /** Stops its processors, RAM and all else kept: until its save has its turn. */
  pause: Record<never, never>;
  /** Continues a guest that is paused; never one that was saved meanwhile. */
  continue: { readonly before: Partial<Marks> };
  /** Pauses the guest, writes its RAM down and ends it; its turn is waited for until `turnByMs` (monotonic), or as long as it takes. */
  save: { readonly turnByMs: number | null };
  /** Has it go on, paused, on the slave that awaits it; nothing of its domain is left here. */
  'send-guest': { readonly migration: Extract<DesiredInstance, { desired: 'sent' }>['migration']; readonly spec: InstanceSpec };
  /** Removes the definition and, with it, a saved RAM. */
  undefine: { readonly before: Partial<Marks> };
  'release-address': { readonly mac: string };
  'remove-files': { readonly before: Partial<Marks> };
  /** Writes down what was seen. */
  note: { readonly marks: Partial<Marks> };
  /** Writes down that the launch of this generation failed for good. */
  'give-up': { readonly generation: number; readonly reason: Reason };
}

export type StepKind = keyof StepData;
/** Built member by member so that a check of `kind` narrows to that step's data. */
export type Step = { [K in StepKind]: { readonly kind: K } & StepData[K] }[StepKind];
export type StepOf<K extends StepKind> = Extract<Step, { readonly kind: K }>;

/** One executor per kind; a kind without one does not compile. */
export type Executors = { readonly [K in StepKind]: (instanceId: string, step: StepOf<K>) => Promise<void> };

/** What is remembered of failures is kept under this key: the kind, and for images which one. */
export function stepKey(step: Step): string {
  return step.kind === 'fetch-image' ? `fetch-image ${step.image.sha256}` : step.kind;
}

interface StepPolicy {
  /** It should have ended by itself, or by the killing of its tool, before this. */
  readonly deadlineMs: number;
  /**
   * Which bounded pool of slots it takes; null for what is quick. What needs the hypervisor (`disk`) shares no
   * pool with what does not, so that a silent hypervisor keeps nothing else waiting.
   */
  readonly slots: 'disk' | 'files' | 'fetch' | null;
}

const second = 1000;
const minute = 60 * second;

/** A look at the domain, the act and what belongs to it: some calls that libvirt answers at once, each killed when it does not. */
const quick = 4 * quickCallMs;

/** Deadlines for what hangs, above the sum of what its tools may take; the master has its own, shorter ones to tell people by. */
export const stepPolicies: Readonly<Record<StepKind, StepPolicy>> = {
  'fetch-image': { deadlineMs: 14 * minute, slots: 'fetch' },
  'create-files': { deadlineMs: 1 * minute, slots: 'files' },
  'reserve-address': { deadlineMs: quick, slots: null },
  define: { deadlineMs: quick, slots: null },
  'adopt-ram': { deadlineMs: ramCallMs + quick, slots: 'disk' },
  'give-up-ram': { deadlineMs: 30 * second, slots: null },
  start: { deadlineMs: ramCallMs + quick, slots: 'disk' },
  'resume-disk': { deadlineMs: quick, slots: null },
  shutdown: { deadlineMs: quick, slots: null },
  destroy: { deadlineMs: destroyCallMs + quick, slots: null },
  pause: { deadlineMs: quick, slots: null },
  continue: { deadlineMs: quick, slots: null },
  save: { deadlineMs: ramCallMs + quick, slots: 'disk' },
  // It has its own deadline, in its order.
  'send-guest': { deadlineMs: 61 * minute, slots: null },
  undefine: { deadlineMs: quick, slots: null },
  'release-address': { deadlineMs: quick, slots: null },
  'remove-files': { deadlineMs: 1 * minute, slots: null },
  note: { deadlineMs: 30 * second, slots: null },
  'give-up': { deadlineMs: 30 * second, slots: null },
};
