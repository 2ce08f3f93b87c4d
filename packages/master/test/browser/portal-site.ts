import { createGroup } from '@paravcl/shared/api/groups';
import type { ImageAnswer } from '@paravcl/shared/api/images';
import { createTemplate } from '@paravcl/shared/api/templates';
import { createUser, setPassword } from '@paravcl/shared/api/users';
import type { Group, Role } from '@paravcl/shared/domain/people';
import type { Slave } from '@paravcl/shared/domain/slave';
import type { Template } from '@paravcl/shared/domain/template';
import type { ApiClient } from '@paravcl/workbench/api-client';
import type { Credentials } from '@paravcl/workbench/browser/visitor';
import { enrolAndApprove } from '@paravcl/workbench/lab/enrol-and-approve';
import { Lab, randomPassword } from '@paravcl/workbench/lab/lab';
import { registerStandIn } from '@paravcl/workbench/lab/register-demo-guest';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { quietPort } from '../it/quiet-port';

const builtPortal = resolve(__dirname, '..', '..', '..', 'portal', 'dist');

/** Somebody who can log in, at a page or over the API. */
export interface SitePerson extends Credentials {
  readonly client: ApiClient;
}

/** A whole site for tests of pages: people, a slave that starts what is launched, something to launch. */
export interface PortalSite {
  readonly lab: Lab;
  readonly url: string;
  readonly caPem: string;
  readonly admin: SitePerson;
  readonly teacher: SitePerson;
  readonly student: SitePerson & { readonly id: string };
  /** Owned by the teacher; the student is in it. */
  readonly group: Group;
  readonly slave: Slave;
  /** Ready to be launched. */
  readonly image: ImageAnswer;
  readonly template: Template;
  /** One more person. */
  person(name: string, role: Role): Promise<SitePerson>;
  close(): Promise<void>;
}

export interface PortalSiteOptions {
  /** Whose files the master serves; the portal that was built unless told. */
  readonly portalDirectory?: string;
  /** More of the master's configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/**
 * Starts a master with its private MariaDB and a slave agent, as processes of their own, as they are shipped. The agent's
 * driver is the simulated one: instances run through all their states, and there are no guests. Nothing stays after `close`.
 */
export async function portalSite({ portalDirectory = builtPortal, config = {} }: PortalSiteOptions = {}): Promise<PortalSite> {
  if (!existsSync(join(portalDirectory, 'index.html'))) throw new Error(`There is no portal in ${portalDirectory}. Build it: npm run build -w @paravcl/portal`);
  const stateDir = await mkdtemp(join(tmpdir(), 'pvb-'));
  const lab = new Lab({
    stateDir, driver: 'simulated', port: await quietPort(), network: { name: 'paravcl-pages', bridge: 'pvclpages0', cidr: '10.215.0.0/16' },
    masterConfig: { site: { name: 'ParaVCL', timeZone: 'UTC' }, portal: { directory: portalDirectory }, ...config },
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

async function peopled(lab: Lab, close: () => Promise<void>): Promise<PortalSite> {
  const adminPassword = randomPassword();
  const admin: SitePerson = { name: 'admin', password: adminPassword, client: await lab.firstAdmin('admin', adminPassword) };
  const make = async (name: string, role: Role, primaryGroupId: string | null): Promise<SitePerson & { readonly id: string }> => {
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
  const template = await admin.client.call(createTemplate, { body: { name: 'Ubuntu for CL II', description: 'What the course works with.', imageId: image.id, vcpus: 1, ramMiB: 128 } });
  return {
    lab, url: lab.url, caPem: await readFile(lab.layout.caFile, 'utf8'), admin, teacher, student, group, slave, image, template,
    person: (name, role) => make(name, role, group.id),
    close,
  };
}
