import type { Clock } from '@paravcl/shared/clock';
import type { GuestEnd } from '@paravcl/shared/protocol/streams';
import type { Duplex } from 'node:stream';
import type { DiskStore } from '../disks/disk-store';
import type { HypervisorDriver } from '../hypervisor/driver';
import { SerialConsole } from './serial-console';

export type ConsoleEnd = Exclude<GuestEnd, { kind: 'port' }>;

export interface GuestConsoleParts {
  readonly clock: Clock;
  readonly driver: Pick<HypervisorDriver, 'find' | 'connectConsole'>;
  readonly store: Pick<DiskStore, 'serialLogEnd'>;
}

/** Where streams to consoles of this host's guests lead. */
export class GuestConsoles {
  /** By instance; opened by the first who looks, and shared. */
  private readonly serial = new Map<string, Promise<SerialConsole>>();

  constructor(private readonly parts: GuestConsoleParts) {}

  /** Throws with a sentence when the guest is not ours, does not run, or has no such console. */
  async connect({ kind, instanceId }: ConsoleEnd): Promise<Duplex> {
    const { driver } = this.parts;
    const domain = await driver.find(instanceId);
    if (domain === null) throw new Error('This machine is not on this host.');
    if (domain.state !== 'running' && domain.state !== 'shutting-down') throw new Error(`${domain.name} is ${domain.state} and has no ${kind} to look at until it runs.`);
    if (kind === 'screen') return driver.connectConsole(instanceId, 'screen');
    return (await this.serialOf(instanceId)).view();
  }

  private serialOf(instanceId: string): Promise<SerialConsole> {
    const there = this.serial.get(instanceId);
    if (there !== undefined) return there;
    const { clock, driver, store } = this.parts;
    const forget = (): void => {
      if (this.serial.get(instanceId) === opening) this.serial.delete(instanceId);
    };
    const opening = SerialConsole.open({ clock, connect: () => driver.connectConsole(instanceId, 'serial'), readLog: (bytes) => store.serialLogEnd(instanceId, bytes) }, forget);
    this.serial.set(instanceId, opening);
    opening.catch(forget);
    return opening;
  }
}
