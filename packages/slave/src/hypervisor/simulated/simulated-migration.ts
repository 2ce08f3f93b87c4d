import type { Duplex } from 'node:stream';
import { HypervisorError } from '../driver';
import type { GuestMigration } from '../guest-migration';

/** A simulated host has no guest whose RAM could go anywhere: it says so, and the guest is saved and moved instead. */
export class SimulatedMigration implements GuestMigration {
  send(): Promise<void> {
    return Promise.reject(unsupported());
  }

  receive(): Promise<Duplex> {
    return Promise.reject(unsupported());
  }
}

function unsupported(): HypervisorError {
  return new HypervisorError('unsupported', 'the simulated driver sends no guest that runs');
}
