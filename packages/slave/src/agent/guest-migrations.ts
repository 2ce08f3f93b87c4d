import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import type { InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import type { MigrationEnd, StreamHello } from '@paravcl/shared/protocol/streams';
import type { DiskStore } from '../disks/disk-store';
import { HypervisorError, type DomainFiles } from '../hypervisor/driver';
import type { GuestMigration, MigratingGuest } from '../hypervisor/guest-migration';
import type { Journal } from './journal';
import type { Received } from './plan';
import type { StepOf } from './steps';

export interface GuestMigrationParts {
  readonly journal: Journal;
  readonly store: Pick<DiskStore, 'filesOf'>;
  readonly migration: GuestMigration;
  /** Dials a stream through the master (`link/master-stream.ts`). */
  dial(hello: StreamHello): Promise<Duplex>;
}

/** Guests on their way between this slave and another (decision 0019): the act behind an order of `sent`, and the other end of one of `received`. */
export class GuestMigrations {
  /** Migrations of which something was let in. */
  private readonly letIn = new Set<string>();

  constructor(private readonly parts: GuestMigrationParts) {}

  /** See `GuestMigration.send`. Throws HypervisorError `wrong-state` when its disk is not one that can be copied so. */
  async send(instanceId: string, { migration, spec }: StepOf<'send-guest'>): Promise<void> {
    const { store, dial } = this.parts;
    const files = await store.filesOf(instanceId, spec);
    if (files.layers.length > 0) throw new HypervisorError('wrong-state', `its disk lies in ${files.layers.length + 1} layers since a snapshot, and the upper one alone would be copied; they become one when the snapshot has ended`);
    await this.parts.migration.send(placed(instanceId, spec, files), (channel) => dial({ ticket: migration.ticket, channel }), migration.deadlineMs);
  }

  /** This slave's end of a stream. Throws with a sentence when it awaits no such guest, or another attempt was let in before. */
  async connect({ migrationId, channel }: MigrationEnd): Promise<Duplex> {
    const { store, migration } = this.parts;
    const awaited = this.awaited(migrationId);
    const { instanceId, spec } = awaited;
    // What follows its definition comes only once that was let in.
    if (channel !== 'libvirt' && !this.letIn.has(migrationId)) throw new Error('Nothing of that guest was let in yet.');
    return migration.receive(placed(instanceId, spec, await store.filesOf(instanceId, spec)), channel, () => this.begin(awaited));
  }

  private awaited(migrationId: string): Received {
    for (const { desired } of this.parts.journal.state.instances.values()) if (desired?.desired === 'received' && desired.migration.id === migrationId) return desired;
    throw new Error('This host awaits no guest of that migration.');
  }

  /** Durable before the first byte, so that no restart of this agent lets two in over one another; and from then on its disk is somebody's work. */
  private async begin({ instanceId, generation, migration }: Received): Promise<void> {
    const { journal } = this.parts;
    if (this.letIn.has(migration.id)) throw new Error('A guest is let in once.');
    this.letIn.add(migration.id);
    const known = journal.state.instances.get(instanceId);
    const attempt = known?.marks.migration;
    if (known?.desired?.generation !== generation || attempt?.generation !== generation) throw new Error('This host awaits that guest no longer.');
    if (attempt.attempt !== 'made') throw new Error('A guest is let in once: an attempt before this one broke off.');
    await journal.append({ kind: 'marks', instanceId, marks: { ...known.marks, booted: true, migration: { generation, attempt: 'begun' } } });
  }
}

function placed(instanceId: string, { home }: Pick<InstanceSpec, 'home'>, { overlay, vncSocket }: DomainFiles): MigratingGuest {
  return { instanceId, directory: dirname(overlay), qemuDirectory: dirname(vncSocket), hasHome: home !== undefined };
}
