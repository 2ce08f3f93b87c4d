import type { GuestEnd } from '@paravcl/shared/protocol/streams';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Journal } from '../agent/journal';
import type { HypervisorDriver } from '../hypervisor/driver';

export type PortEnd = Extract<GuestEnd, { kind: 'port' }>;

/** A guest that runs takes a connection, or refuses it, in milliseconds. */
const connectWithinMs = 5_000;

export interface GuestPortsParts {
  readonly journal: Pick<Journal, 'state'>;
  readonly driver: Pick<HypervisorDriver, 'find'>;
  /** Under simulation guests have no network. */
  readonly simulated: boolean;
  readonly withinMs?: number;
}

/**
 * TCP ports of guests. The address is the one in the order of an instance that runs here: nothing that the master says beside that
 * leads anywhere else.
 */
export class GuestPorts {
  constructor(private readonly parts: GuestPortsParts) {}

  /** Throws with a sentence when it does not run here, or its guest refuses the port or is silent. */
  async connect({ instanceId, port }: PortEnd): Promise<Duplex> {
    const { journal, driver, simulated } = this.parts;
    const desired = journal.state.instances.get(instanceId)?.desired;
    // One that is sent runs here until it is gone.
    if (desired == null || (desired.desired !== 'running' && desired.desired !== 'sent')) throw new Error('That instance is not one that runs on this host.');
    const { name, address } = desired.spec;
    if (simulated) throw new Error(`The hypervisor of this host is simulated: ${name} has no network to connect to.`);
    // Its address is known before it runs, and stays with the definition of one that has crashed.
    const domain = await driver.find(instanceId);
    if (domain?.state !== 'running') throw new Error(`${name} does not run on this host.`);
    return dialGuest({ name, address, port, withinMs: this.parts.withinMs ?? connectWithinMs });
  }
}

interface DialledGuest {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly withinMs: number;
}

/** Throws with a sentence that names the guest and the port, and never its address. */
export function dialGuest({ name, address, port, withinMs }: DialledGuest, dial: (to: NetConnectOpts) => Socket = connect): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = dial({ host: address, port, noDelay: true, keepAlive: true, family: 4 });
    const fail = (sentence: string): void => {
      socket.destroy();
      reject(new Error(sentence));
    };
    socket.setTimeout(withinMs, () => fail(`${name} did not answer on port ${port} within ${withinMs / 1000} s.`));
    socket.once('error', ({ code }: NodeJS.ErrnoException) => fail(failure(name, port, code)));
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.removeAllListeners('timeout');
      // Whoever reads it sees that it has closed.
      socket.removeAllListeners('error').on('error', () => undefined);
      resolve(socket);
    });
  });
}

function failure(name: string, port: number, code: string | undefined): string {
  if (code === 'ECONNREFUSED') return `${name} refused port ${port}: nothing listens there, or not yet.`;
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return `${name} is not to be reached from its host: it may still be booting, or has taken no address.`;
  return `${name} did not take a connection on port ${port} (${code ?? 'unknown'}).`;
}
