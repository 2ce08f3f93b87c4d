import type { Reason } from '@paravcl/shared/domain/reasons';

/**
 * What the agent must not forget about one instance, kept in the journal because no hypervisor can
 * answer it: libvirt knows that a domain is off, not whether somebody's work is on its disk.
 */
export interface Marks {
  /** This journal's agent made the disk. One that was found was made by an agent whose memory is gone, and may have booted. */
  readonly made: boolean;
  /** The epoch of the disk that these marks are about; null when this journal's agent made none. */
  readonly diskEpoch: number | null;
  /**
   * A start was tried whose outcome is good or unknown: the disk may hold somebody's work and is kept
   * through every later failure. Written before the start, taken back when the start surely failed.
   */
  readonly booted: boolean;
  /** The last generation under which the domain was wanted running and was seen running, and the host's boot it was in. */
  readonly ran: { readonly generation: number; readonly hostBootId: string } | null;
  /**
   * Since its last boot: `no` address taken yet, `silent` when the grace passed without one, `yes` when
   * it took its address or was restored with its RAM.
   */
  readonly up: 'no' | 'silent' | 'yes';
  /** We took the guest down, or threw its saved RAM away, because that was wanted: being off is our doing. */
  readonly stopAsked: boolean;
  /** The launch of this generation was given up; what it had made is cleaned. */
  readonly failed: { readonly generation: number; readonly reason: Reason } | null;
  /** The generation for which it was told that the domain vanished; a newer one may start from the kept disk. */
  readonly lost: { readonly generation: number } | null;
  /**
   * The order under which it goes to another slave, or comes from one, while it runs; else null. `made`: its files are of this order,
   * and `begun`: what comes was let in, so that nothing else is. `over`: it was not sent, and is not tried again. `done`: it was seen
   * to run here since, under a newer order.
   */
  readonly migration: { readonly generation: number; readonly attempt: 'made' | 'begun' | 'over' | 'done' } | null;
  /** The generation whose time was found to be over: it does not run again under it, whatever the clocks say. */
  readonly timeEnded: { readonly generation: number } | null;
}

export const noMarks: Marks = { made: false, diskEpoch: null, booted: false, ran: null, up: 'no', stopAsked: false, failed: null, lost: null, migration: null, timeEnded: null };

/**
 * What a guest that runs is noted as once it has gone on after a migration. Until then it must not be saved: QEMU closes the disks of
 * one that leaves, opens those of one that came when it is first continued, and dies of it when it is to close them twice
 * (`bdrv_inactivate_recurse`; seen with 7.2, the guest's RAM is lost).
 */
export function goneOn({ migration }: Marks): Pick<Marks, 'migration'> | null {
  return migration === null || migration.attempt === 'done' ? null : { migration: { ...migration, attempt: 'done' } };
}
