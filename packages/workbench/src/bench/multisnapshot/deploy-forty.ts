import { mkdtemp, rm } from 'node:fs/promises';
import { createDeployment, deleteDeployment, getDeployment } from '@paravcl/shared/api/deployments';
import { createInstance, deleteInstance, listInstances } from '@paravcl/shared/api/instances';
import type { ApiClient } from '../../api-client';
import { eventually } from '../../eventually';
import { patienceMs } from '../../lab/enrol-and-approve';
import { followOperation, instanceWhere } from '../../lab/follow-operation';
import { randomPassword } from '../../lab/lab';
import { LabSite } from '../../lab/lab-site';
import { registerStandIn } from '../../lab/register-demo-guest';
import { median } from '../report';

const machines = 40;
const hosts = 3;
/** Small enough that three hosts hold all forty; nothing of them is real but what the agents do. */
const size = { vcpus: 1, ramMiB: 32 } as const;
/** What is asked in between costs the master time: rarely enough for that, often enough for a figure in tenths of a second. */
const batchLookMs = 50;
const singleLookMs = 10;

export interface DeployFortyTimes {
  /** The median of one by one ÷ the median of the deployment. */
  readonly deploy_40_speedup: number;
  /** From the request until all forty run, of each run. */
  readonly batchMs: readonly number[];
  /** The same forty launched one after the other, each when the one before runs. */
  readonly oneByOneMs: readonly number[];
}

/**
 * Forty machines on three lab hosts whose agents, journals and links are real and whose guests are simulated (half a second from
 * power to address): as one deployment, with the site's own limit of how many begin at a time on a host, and one by one. Run it
 * inside a private host. The arms alternate, and everything is deleted in between, which is not timed.
 */
export async function deployForty(runs: number, say: (line: string) => void): Promise<DeployFortyTimes> {
  const stateDir = await mkdtemp('/var/tmp/pvclf-');
  const site = new LabSite({
    stateDir,
    hosts: Array.from({ length: hosts }, () => ({ agentConfig: { driver: 'simulated' } })),
    masterConfig: { placement: { coreOvercommit: 16, hostRamMiB: 0, criticalLimitPercent: 0 } },
  });
  const batchMs: number[] = [];
  const oneByOneMs: number[] = [];
  try {
    await site.up();
    const admin = await site.master.firstAdmin('admin', randomPassword());
    await site.enrolAll(admin);
    const image = await registerStandIn(admin);
    // One machine before anything counts: connections are open and code is warm.
    await oneByOne(admin, image.id, hosts);
    await clear(admin);
    for (let run = 0; run < runs; run++) {
      for (const arm of run % 2 === 0 ? (['batch', 'single'] as const) : (['single', 'batch'] as const)) {
        const ms = arm === 'batch' ? await asOne(admin, image.id) : await oneByOne(admin, image.id, machines);
        (arm === 'batch' ? batchMs : oneByOneMs).push(ms);
        say(`run ${String(run + 1)}: ${String(machines)} ${arm === 'batch' ? 'as one deployment' : 'one by one'}: ${(ms / 1000).toFixed(2)} s`);
      }
    }
    return { deploy_40_speedup: median(oneByOneMs) / median(batchMs), batchMs, oneByOneMs };
  } finally {
    await site.down();
    await rm(stateDir, { recursive: true, force: true });
  }
}

/** Milliseconds from the request until all run; then they are deleted. */
async function asOne(admin: ApiClient, imageId: string): Promise<number> {
  const begun = performance.now();
  const { deployment: { id } } = await admin.call(createDeployment, { body: { name: 'Forty', imageId, count: machines, ...size } });
  let seen = 'nothing';
  await eventually(
    'all machines of the deployment to run',
    patienceMs,
    async () => {
      const { deployment } = await admin.call(getDeployment, { params: { deploymentId: id } });
      seen = deployment.sentence;
      return deployment.counts.instances.running === machines ? true : undefined;
    },
    { everyMs: batchLookMs, state: () => seen },
  );
  const ms = performance.now() - begun;
  await followOperation(admin, (await admin.call(deleteDeployment, { params: { deploymentId: id } })).operation);
  return ms;
}

/** Milliseconds until the last of them runs; then they are deleted. */
async function oneByOne(admin: ApiClient, imageId: string, count: number): Promise<number> {
  const begun = performance.now();
  for (let launched = 0; launched < count; launched++) {
    const { instance } = await admin.call(createInstance, { body: { imageId, ...size } });
    await instanceWhere(admin, instance.id, `${instance.name} to run`, ({ observed }) => observed === 'running', singleLookMs);
  }
  const ms = performance.now() - begun;
  await clear(admin);
  return ms;
}

/** Deletes every instance, and waits until nothing is left of them. */
async function clear(admin: ApiClient): Promise<void> {
  const all = await admin.call(listInstances, { query: { limit: 100 } });
  for (const { id } of all.items) await admin.call(deleteInstance, { params: { instanceId: id } });
  await eventually('all instances to be gone', patienceMs, async () => ((await admin.call(listInstances, { query: { limit: 1 } })).items.length === 0 ? true : undefined));
}
