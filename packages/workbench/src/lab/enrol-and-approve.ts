import { approveSlave, listSlaves } from '@paravcl/shared/api/slaves';
import type { Slave } from '@paravcl/shared/domain/slave';
import type { ApiClient } from '../api-client';
import { eventually } from '../eventually';
import type { Lab } from './lab';

/** Longest wait for one step of a lab; far beyond what it takes anywhere, so that a hang ends with a sentence. */
export const patienceMs = 180_000;

/** Makes this machine a slave of the lab, waits until it is connected, approves it. */
export async function enrolAndApprove(lab: Lab, admin: ApiClient, name: string): Promise<Slave> {
  await lab.enrol(admin, name);
  lab.startAgent();
  const slave = await connectedSlave(lab, admin);
  return admin.call(approveSlave, { params: { slaveId: slave.id }, body: {} });
}

/** Waits until the lab's slave is online. */
export async function connectedSlave(lab: Lab, admin: ApiClient): Promise<Slave> {
  let seen = 'no host';
  return eventually(
    'the host to connect',
    patienceMs,
    async () => {
      lab.checkAlive(lab.agent);
      const slave = (await admin.call(listSlaves)).items[0];
      seen = slave === undefined ? 'no host' : `${slave.name} ${slave.admission}, ${slave.liveness}`;
      return slave?.liveness === 'online' ? slave : undefined;
    },
    { state: () => seen },
  );
}
