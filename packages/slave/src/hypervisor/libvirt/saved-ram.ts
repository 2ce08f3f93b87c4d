import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { DiskStoreError } from '../../disks/disk-store';
import { ramCallMs } from '../call-limits';
import { HypervisorError } from '../driver';
import type { ArrivedRam } from './arrived-ram';
import { type DomainFacts, isActive, wrongState } from './domain-facts';
import type { GuestBaseline } from './guest-baseline';
import { HalfSaves } from './half-save';
import { checkMovableRam, checkOwnRam } from './own-ram';
import { checkSaveRoom } from './save-room';
import type { Virsh } from './virsh';

export interface SavedRamParts {
  readonly virsh: Virsh;
  /** Where libvirtd keeps managed saves. */
  readonly directory: string;
  readonly arrived: ArrivedRam;
  /** What guests are given here now. */
  readonly baseline: () => GuestBaseline;
}

/**
 * The RAM of saved guests: libvirt's managed save of one that was saved here, `ArrivedRam` of one that was given it. Whose a
 * domain is has been looked at before; the facts are of that look.
 *
 * Invariant: a guest goes on with saved RAM once. What it was given is removed before it is let go; a managed save libvirt removes in the
 * call that restores it; and what was left half written is never restored.
 */
export class SavedRam {
  private readonly halfSaves: HalfSaves;

  constructor(private readonly parts: SavedRamParts) {
    this.halfSaves = new HalfSaves(parts.directory);
  }

  /** Durable when it returns. Quiet when it is saved. Throws `wrong-state` unless its guest runs or is paused, `no-room`, `timeout` while its RAM is still being read back. */
  async save(facts: DomainFacts): Promise<void> {
    const { uuid, name, state, ramMiB } = facts;
    if (state === 'saved') return;
    if (!isActive(facts) || state === 'shutting-down') throw wrongState(facts, 'only a running guest has RAM to save');
    requireAllRam(facts);
    await this.halfSaves.begin(name);
    // What was put aside earlier is gone by now, so its room counts; without room nothing is begun.
    await checkSaveRoom(this.parts.directory, name, ramMiB).catch(async (error: unknown) => {
      await this.halfSaves.ended(name);
      throw error;
    });
    // --running: a guest saved while paused goes on when it is restored.
    await this.parts.virsh.run(['managedsave', '--domain', uuid, '--running'], ramCallMs);
    await this.makeDurable(name);
    await this.parts.arrived.forget(name);
    await this.halfSaves.ended(name);
  }

  /** Path of the file it is in. Throws `wrong-state` unless it is saved, and when no other slave would read it (`checkMovableRam`). */
  async file(facts: DomainFacts): Promise<string> {
    if (facts.state !== 'saved') throw wrongState(facts, 'only of one that is saved its RAM is kept in a file');
    const file = facts.hasSave ? this.managedSave(facts.name) : this.parts.arrived.path(facts.name);
    await checkMovableRam(this.parts.virsh, file, this.parts.baseline());
    return file;
  }

  /**
   * Copies what is in `file`, which is its saved RAM from then on; durable when it returns. Quiet when it is saved. Throws `wrong-state`
   * unless it is off, `save-unusable` for what it could not have saved, `no-room`.
   */
  async adopt(facts: DomainFacts, file: string): Promise<void> {
    const { uuid, name, state, ramMiB } = facts;
    if (state === 'saved') return;
    if (state !== 'off') throw wrongState(facts, 'only one that is off can be given RAM');
    await checkOwnRam(this.parts.virsh, uuid, file);
    await checkSaveRoom(this.parts.directory, name, ramMiB);
    await this.parts.arrived.keep(name, file).catch((error: unknown) => {
      throw new HypervisorError(error instanceof DiskStoreError && error.code === 'no-room' ? 'no-room' : 'failed', (error as Error).message, { cause: error });
    });
  }

  /**
   * Has a saved guest go on with its RAM, which is taken up by that. Never boots it: throws `save-unusable` instead. One that went on
   * from a managed save bears the mark of the day of the save.
   */
  async restore({ uuid, name, hasSave }: DomainFacts): Promise<void> {
    await (hasSave ? this.restoreSave(uuid, name) : this.restoreArrived(uuid, name));
  }

  /** Continues one that is paused; it may be that because it was restored and nobody came to continue it. Throws `timeout` while its RAM is still being read back. */
  async letGoOn(facts: DomainFacts): Promise<void> {
    requireAllRam(facts);
    await this.takenUp(facts.uuid, facts.name);
  }

  /** Of one that runs, the RAM it was given is of no use any more: somebody let it go past us. */
  async forgetLeftBehind(facts: DomainFacts): Promise<void> {
    if (facts.hasArrivedRam && isActive(facts) && facts.state !== 'paused' && facts.state !== 'migrating') await this.parts.arrived.forget(facts.name);
  }

  /**
   * Takes away a managed save that is nobody's RAM: it makes a guest that is off look saved, and its next start fail. Whether there
   * was one; then the domain is to be looked at again, also because it may not have gone away.
   */
  async removeHalfSave(facts: DomainFacts): Promise<boolean> {
    if (!(await this.hasHalfSave(facts))) return false;
    await this.parts.virsh.run(['managedsave-remove', '--domain', facts.uuid]).then(
      () => this.halfSaves.ended(facts.name),
      () => undefined,
    );
    return true;
  }

  /** Whatever a domain of this name was given: of one that is defined anew it is another's. */
  async forgetGiven(name: string): Promise<void> {
    await this.parts.arrived.forget(name);
  }

  /** What is kept under the name of a domain that goes, but for its managed save, which goes with the definition. */
  async forget(name: string): Promise<void> {
    await this.halfSaves.forget(name);
    await this.parts.arrived.forget(name);
  }

  /**
   * `virsh start` boots afresh when it finds the save half written, and says so only in libvirtd's log;
   * `managedsave-dumpxml` reads the same header and refuses. What is damaged further inside makes
   * QEMU fail, and libvirt then keeps the save.
   */
  private async restoreSave(uuid: string, name: string): Promise<void> {
    // Of a guest that was saved before it went on with it; libvirt lets it go in the same call.
    await this.parts.arrived.forget(name);
    try {
      await this.parts.virsh.run(['managedsave-dumpxml', '--domain', uuid]);
      await this.parts.virsh.run(['start', '--domain', uuid], ramCallMs);
    } catch (error) {
      throw unusable(error, (why) => `The saved RAM of ${uuid} cannot be read back (${why}). To boot from its disk without it: virsh managedsave-remove ${uuid}`);
    }
  }

  /**
   * Restores what `adopt` kept, as the domain is defined now: libvirt compares the two and refuses what does not fit. It is paused until the file is
   * gone, so whatever dies in between, either the file is there and nothing was written on the disk, or the guest has its RAM.
   */
  private async restoreArrived(uuid: string, name: string): Promise<void> {
    const file = this.parts.arrived.path(name);
    const defined = await this.parts.virsh.run(['dumpxml', '--domain', uuid, '--inactive', '--security-info']);
    await this.parts.virsh.runWithFile(['restore', '--file', file, '--paused', '--xml'], defined, ramCallMs).catch((error: unknown) => {
      throw unusable(error, (why) => `The RAM that ${uuid} was given cannot be read back (${why}). Suspend the instance and move it, and another host tries; or stop it to boot from its disk without the RAM.`);
    });
    await this.takenUp(uuid, name);
  }

  private async takenUp(uuid: string, name: string): Promise<void> {
    await this.parts.arrived.forget(name);
    await this.parts.virsh.run(['resume', '--domain', uuid]);
  }

  /** A managed save that libvirt tells of and that is nobody's RAM: of a guest that goes on with its own, or one that never was complete. */
  private async hasHalfSave({ uuid, name, state, staleSave }: DomainFacts): Promise<boolean> {
    if (state === 'saved') return this.halfSaves.putAside(name);
    if (staleSave !== 'unless-saving') return staleSave === 'yes';
    // A save that is being made is a job; libvirt would remove its file under it.
    const job = await this.parts.virsh.run(['domjobinfo', '--domain', uuid]).catch(() => '');
    return /^Job type:\s+None\s*$/m.test(job);
  }

  /** libvirtd syncs the RAM but not the header it completes last, without which the save counts as half written. */
  private async makeDurable(name: string): Promise<void> {
    const { directory } = this.parts;
    for (const path of [this.managedSave(name), directory]) {
      const file = await open(path, 'r').catch((cause: unknown) => {
        throw new HypervisorError('failed', `${path} cannot be opened to make the save durable; set savesDirectory to where libvirtd keeps managed saves`, { cause });
      });
      await file.sync().finally(() => file.close());
    }
  }

  private managedSave(name: string): string {
    return join(this.parts.directory, `${name}.save`);
  }
}

/** libvirt calls it so until all of its RAM is read; let go on before, or saved, it would be a guest without its memory. */
function requireAllRam({ name, hasArrivedRam, stateWords }: DomainFacts): void {
  if (hasArrivedRam && stateWords.includes('starting up')) throw new HypervisorError('timeout', `the RAM of domain "${name}" is still being read back`);
}

/** `save-unusable` in words that say the way out; anything else as it is. */
function unusable(error: unknown, sentence: (why: string) => string): unknown {
  if (!(error instanceof HypervisorError) || error.code !== 'save-unusable') return error;
  return new HypervisorError('save-unusable', sentence(error.message), { cause: error });
}
