import { createInstance, deleteInstance, resumeInstance, suspendInstance } from '@paravcl/shared/api/instances';
import type { Instance } from '@paravcl/shared/domain/instance';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApiClient } from '../api-client';
import { buildDemoGuest } from '../guest/demo-guest';
import { Lab, randomPassword } from '../lab/lab';
import { enrolAndApprove, patienceMs } from '../lab/enrol-and-approve';
import { followOperation, instanceWhere } from '../lab/follow-operation';
import { registerDemoGuest } from '../lab/register-demo-guest';
import { BareGuest } from './bare-guest';
import { describeHost, ratioFigure, type BenchReport } from './report';
import { SerialWatch } from './serial-watch';

const ready = /paravcl-guest ready /;
const count = /^count \d+$/m;

/** Seconds of one guest's life, ours or bare. */
interface Times {
  readonly launch: number;
  readonly suspend: number;
  readonly resume: number;
}

/**
 * `npm run bench -- launch` (DEFINITIONS, "Measuring"): API call → ready line on the serial console against
 * `virsh create` of the same domain → the same line; suspend until it is durable (the master's books say
 * `suspended`) against the return of `virsh save`; resume until the first new counter value on the console
 * against the same after `virsh restore`. The image is on the slave. Ours and bare alternate (ABBA).
 */
export async function benchLaunch(runs: number, say: (line: string) => void): Promise<BenchReport> {
  const stateDir = await mkdtemp('/var/tmp/paravcl-bench-');
  const network = { name: 'paravcl-bench', bridge: 'pvclbench0', cidr: '10.214.0.0/24' };
  const lab = new Lab({ stateDir, driver: 'libvirt', network, port: 8643 });
  const ours: Times[] = [];
  const bare: Times[] = [];
  try {
    const guest = await buildDemoGuest({ onProgress: say });
    await lab.prepare();
    await lab.startMaster();
    const admin = await lab.firstAdmin('admin', randomPassword());
    const slave = await enrolAndApprove(lab, admin, 'bench-slave');
    const image = await registerDemoGuest(admin, guest);
    say(`on ${slave.describe.hypervisor.kind}: ${slave.describe.hypervisor.why}`);

    // One launch before anything counts: it brings the image to the slave and is the model of the bare guests.
    const model = await launch(admin, image.id);
    await instanceWhere(admin, model.id, 'the model to run', ({ observed }) => observed === 'running');
    await followOperation(admin, (await admin.call(suspendInstance, { params: { instanceId: model.id } })).operation, 10);

    for (let run = 0; run < runs; run += 1) {
      const order = run % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const);
      for (const arm of order) {
        const times = arm === 'ours' ? await ourRun(lab, admin, image.id) : await bareRun(lab, model, 200 + run);
        (arm === 'ours' ? ours : bare).push(times);
        say(`run ${String(run + 1)} ${arm}: launch ${times.launch.toFixed(2)} s, suspend ${times.suspend.toFixed(2)} s, resume ${times.resume.toFixed(2)} s`);
      }
    }
    await followOperation(admin, (await admin.call(deleteInstance, { params: { instanceId: model.id } })).operation, 10);
    const against = (name: string, key: keyof Times) => ({ name, values: bare.map((times) => times[key]) });
    const of = (key: keyof Times) => ours.map((times) => times[key]);
    return {
      bench: 'launch',
      host: await describeHost(slave.describe.hypervisor.kind),
      figures: [
        ratioFigure('launch_ratio', of('launch'), against('virsh create → ready line', 'launch'), { must: 1.25, aim: 1.05 }),
        ratioFigure('resume_ratio', of('resume'), against('virsh restore → next count', 'resume'), { must: 1.5, aim: 1.05 }),
        ratioFigure('suspend_ratio', of('suspend'), against('virsh save', 'suspend'), { must: 1.5, aim: 1.05 }),
      ],
    };
  } finally {
    await lab.stopDaemons();
    await rm(stateDir, { recursive: true, force: true });
  }
}

async function ourRun(lab: Lab, admin: ApiClient, imageId: string): Promise<Times> {
  const launchedAt = performance.now();
  const instance = await launch(admin, imageId);
  const params = { instanceId: instance.id };
  const serial = new SerialWatch(join(lab.layout.pool, 'instances', instance.id, 'serial.log'));
  const readyAt = await serial.sees(ready, patienceMs);
  await serial.sees(count, patienceMs);
  await instanceWhere(admin, instance.id, 'the master to call it running', ({ observed }) => observed === 'running');

  const suspendAt = performance.now();
  await followOperation(admin, (await admin.call(suspendInstance, { params })).operation, 10);
  const suspendedAt = performance.now();
  await serial.skipToEnd();

  const resumeAt = performance.now();
  const { operation } = await admin.call(resumeInstance, { params });
  const countsAt = await serial.sees(count, patienceMs);
  await followOperation(admin, operation, 10);
  await serial.close();
  await followOperation(admin, (await admin.call(deleteInstance, { params })).operation, 10);
  return { launch: (readyAt - launchedAt) / 1000, suspend: (suspendedAt - suspendAt) / 1000, resume: (countsAt - resumeAt) / 1000 };
}

async function bareRun(lab: Lab, model: Instance, host: number): Promise<Times> {
  const { network } = lab.options;
  const address = network.cidr.replace(/\d+\/\d+$/, String(host));
  const guest = await BareGuest.like({ id: model.id, mac: model.mac ?? '', pool: lab.layout.pool, network: network.name, address });
  const serial = new SerialWatch(guest.serialLog);
  try {
    const launchedAt = performance.now();
    const created = guest.create();
    const readyAt = await serial.sees(ready, patienceMs);
    await created;
    await serial.sees(count, patienceMs);

    const suspendAt = performance.now();
    await guest.save();
    const suspendedAt = performance.now();
    await serial.skipToEnd();

    const resumeAt = performance.now();
    const restored = guest.restore();
    const countsAt = await serial.sees(count, patienceMs);
    await restored;
    return { launch: (readyAt - launchedAt) / 1000, suspend: (suspendedAt - suspendAt) / 1000, resume: (countsAt - resumeAt) / 1000 };
  } finally {
    await serial.close();
    await guest.remove();
  }
}

async function launch(client: ApiClient, imageId: string): Promise<Instance> {
  return (await client.call(createInstance, { body: { imageId, vcpus: 1, ramMiB: 128 } })).instance;
}
