/**
 * The lab itself, as the command of its private host: `lab-inside PLAN`. Brings everything up, telling each step as
 * a LabEvent on standard output, then answers requests until it is ended.
 */
import { writeFile } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { parseJson } from '@paravcl/shared/parse-json';
import { StepLog } from '../demo/step-log';
import { buildDemoGuest } from '../guest/demo-guest';
import { forward } from './forwarder';
import { randomPassword } from './lab';
import { serveControl, type LabReply, type LabRequest } from './lab-control';
import { labPlanSchema, type LabEvent } from './lab-plan';
import { labFiles, LabError } from './lab-record';
import { LabSite } from './lab-site';
import { killTarget, parseTarget, startTarget, statusLines } from './lab-targets';
import { registerDemoGuest } from './register-demo-guest';

async function main(): Promise<void> {
  const plan = labPlanSchema.parse(parseJson(process.argv[2] ?? ''));
  const files = labFiles(plan.directory);
  const site = new LabSite({
    stateDir: plan.directory,
    hosts: Array.from({ length: plan.hosts }, () => ({ offerCores: plan.cores, offerRamMiB: plan.ramMiB, poolMiB: plan.poolMiB, linkMbps: plan.linkMbps })),
    masterConfig: { tls: { names: ['127.0.0.1', 'localhost'] } },
  });
  const out = new Writable({
    decodeStrings: false,
    write: (text: string, _encoding, done) => {
      tell({ say: text.replace(/\n$/, '') });
      done();
    },
  });
  const log = new StepLog(out, '');

  await log.step('network, clock, directory', async (detail) => {
    await site.connect();
    detail(`${site.master.options.host} in a namespace of the lab's own`);
  });
  await log.step(plan.hosts === 1 ? 'one host has power' : `${String(plan.hosts)} hosts have power`, async (detail) => {
    await Promise.all(site.hosts.map((host) => host.powerOn()));
    detail(site.hosts.map((host) => `${host.name} ${host.address}`).join(', '));
  });
  await log.step('the master is ready', async (detail) => {
    await site.startMaster();
    await forward({ path: files.masterSocket }, { host: site.master.options.host, port: site.master.options.port });
    detail('TLS by its own CA, with a private MariaDB');
  });
  const admin = await log.step('the administrator is made', async (detail) => {
    const password = randomPassword();
    const client = await site.master.firstAdmin('admin', password);
    await writeFile(files.password, `${password}\n`, { mode: 0o600 });
    detail('name admin');
    return client;
  });
  await log.step('hosts are enrolled and approved', async (detail) => {
    const slaves = await site.enrolAll(admin);
    detail(slaves.map(({ name, liveness }) => `${name} ${liveness}`).join(', '));
  });
  await log.step('the demo guest is registered', async (detail) => {
    const image = await registerDemoGuest(admin, await buildDemoGuest());
    detail(`image ${image.friendlyId}, launch it with POST /api/v1/instances {"imageId": "${image.id}"}`);
  });
  await serveControl(files.control, (request) => answer(site, request));
  tell({ ready: true });
}

async function answer(site: LabSite, request: LabRequest): Promise<LabReply> {
  const hosts = site.hosts.map(({ name }) => name);
  switch (request.verb) {
    case 'status':
      return { lines: [...(await statusLines(site))] };
    case 'where':
      if (!site.host(request.host).isOn) throw new LabError(`${request.host} has no power. Switch it on: npm run lab -- start ${request.host}`);
      return { lines: [], pid: site.host(request.host).pid };
    case 'kill':
      return { lines: [await killTarget(site, parseTarget(request.target, hosts), request.signal)] };
    case 'start':
      return { lines: [await startTarget(site, parseTarget(request.target, hosts))] };
    case 'sleep':
      await site.clock.sleep(request.seconds * 1000);
      return { lines: [`The lab slept ${String(request.seconds)} s: there it is ${new Date(site.clock.now()).toISOString()}.`] };
  }
}

function tell(event: LabEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

// Whoever listened may have gone: the lab goes on.
process.stdout.on('error', () => undefined);
main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  // The end of this process takes the private host with it, whatever part of the lab is still there.
  process.exit(1);
});
