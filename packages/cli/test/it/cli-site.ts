import type { ImageAnswer } from '@paravcl/shared/api/images';
import { createGroup } from '@paravcl/shared/api/groups';
import { createUser, setPassword } from '@paravcl/shared/api/users';
import type { Group, Role } from '@paravcl/shared/domain/people';
import type { Slave } from '@paravcl/shared/domain/slave';
import type { ApiClient } from '@paravcl/workbench/api-client';
import { enrolAndApprove } from '@paravcl/workbench/lab/enrol-and-approve';
import { Lab, randomPassword } from '@paravcl/workbench/lab/lab';
import { registerStandIn } from '@paravcl/workbench/lab/register-demo-guest';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SitePerson {
  readonly id: string;
  readonly name: string;
  readonly password: string;
  readonly client: ApiClient;
}

/** A whole master with a simulated host, people and something to launch. */
export interface CliSite {
  readonly lab: Lab;
  readonly url: string;
  readonly caPem: string;
  readonly caFile: string;
  readonly admin: Omit<SitePerson, 'id'>;
  readonly teacher: SitePerson;
  readonly student: SitePerson;
  /** Owned by the teacher; the student is in it. */
  readonly group: Group;
  readonly slave: Slave;
  readonly image: ImageAnswer;
  close(): Promise<void>;
}

/** Master and agent as processes of their own, as they are shipped. Nothing stays after `close`. */
export async function cliSite(masterConfig: Readonly<Record<string, unknown>> = {}): Promise<CliSite> {
  const stateDir = await mkdtemp(join(tmpdir(), 'pvc-'));
  const lab = new Lab({
    stateDir, driver: 'simulated', port: 20_000 + (process.pid % 20_000), network: { name: 'paravcl-words', bridge: 'pvclwords0', cidr: '10.216.0.0/16' },
    masterConfig: { site: { name: 'ParaVCL', timeZone: 'Europe/Berlin' }, ...masterConfig },
  });
  const close = async (): Promise<void> => {
    await lab.stopDaemons();
    await rm(stateDir, { recursive: true });
  };
  try {
    await lab.prepare();
    await lab.startMaster();
    return await peopled(lab, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function peopled(lab: Lab, close: () => Promise<void>): Promise<CliSite> {
  const adminPassword = randomPassword();
  const admin = { name: 'admin', password: adminPassword, client: await lab.firstAdmin('admin', adminPassword) };
  const make = async (name: string, role: Role, primaryGroupId: string | null): Promise<SitePerson> => {
    const password = randomPassword();
    const made = await admin.client.call(createUser, { body: { name, displayName: `${name.charAt(0).toUpperCase()}${name.slice(1)} of the Lab`, role, primaryGroupId } });
    await admin.client.call(setPassword, { body: { token: made.password.token, password } });
    return { id: made.user.id, name, password, client: await lab.loginAs(name, password) };
  };
  const teacher = await make('tessa', 'teacher', null);
  const group = await admin.client.call(createGroup, { body: { name: 'CL II', description: 'Computer Lab II', ownerUserId: teacher.id } });
  const student = await make('stefan', 'student', group.id);
  const slave = await enrolAndApprove(lab, admin.client, 'lab-pc-07');
  const image = await registerStandIn(admin.client);
  const { caFile } = lab.layout;
  return { lab, url: lab.url, caFile, caPem: await readFile(caFile, 'utf8'), admin, teacher, student, group, slave, image, close };
}
