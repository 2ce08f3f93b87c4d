/** Past the gateway: a student's machine is reached from outside by an address of the pool and by a port of its slave, until that is taken back. The built master and agent, real QEMU, and this test as the neighbour. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createInstance, deleteInstance } from '@paravcl/shared/api/instances';
import { createPublicMapping, deletePublicMapping, listPublicMappings, type PublicMappingView } from '@paravcl/shared/api/public-mappings';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { ApiClient } from '@paravcl/workbench/api-client';
import { eventually } from '@paravcl/workbench/eventually';
import { buildDemoGuest } from '@paravcl/workbench/guest/demo-guest';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { followOperation, instanceWhere } from '@paravcl/workbench/lab/follow-operation';
import { guestPagePath } from '@paravcl/workbench/lab/host-evidence';
import { randomPassword } from '@paravcl/workbench/lab/lab';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { LabSite } from '@paravcl/workbench/lab/lab-site';
import { makeUser, type LabUser } from '@paravcl/workbench/lab/make-user';
import { registerDemoGuest } from '@paravcl/workbench/lab/register-demo-guest';

jest.setTimeout(3 * patienceMs);

let site: LabSite;
let host: LabHost;
let admin: ApiClient;
let alice: LabUser;
let machine: Instance;

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes domains and networks: run it with npm test, inside a private host.');
  site = new LabSite({
    stateDir: mkdtempSync('/var/tmp/public-'),
    hosts: [{ name: 'host-1', offerRamMiB: 640 }],
    masterConfig: { placement: { coreOvercommit: 4, hostRamMiB: 0, criticalLimitPercent: 0 }, publicAddresses: { addresses: ['10.77.0.200'], ports: '40000-40009' } },
  });
  host = site.host('host-1');
  const guest = await buildDemoGuest();
  await site.up();
  admin = await site.master.firstAdmin('admin', randomPassword());
  const image = await registerDemoGuest(admin, guest);
  await site.enrolAll(admin);
  alice = await makeUser(site.master, admin, { name: 'alice' });
  const { instance } = await alice.client.call(createInstance, { body: { imageId: image.id, ramMiB: 160, minutes: 60 } });
  machine = await instanceWhere(admin, instance.id, `${instance.name} to run`, ({ observed }) => observed === 'running');
});
afterAll(async () => {
  await site.down();
  await rm(site.options.stateDir, { recursive: true, force: true });
});

const reached = ({ reachedAt }: PublicMappingView): string => `http://${reachedAt?.address ?? 'nowhere'}:${String(reachedAt?.port ?? 80)}${guestPagePath}`;
/** Whose page it is; undefined while nobody answers. */
const pageAt = (url: string): Promise<string | undefined> =>
  fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(5000) })
    .then(async (answer) => ((await answer.json()) as { readonly id: string }).id)
    // Also while its answer is read: a killed agent or a loaded host may hold that up too.
    .catch(() => undefined);
const answers = (url: string): Promise<string> => eventually(`an answer at ${url}`, patienceMs, () => pageAt(url));
const nobodyAt = (url: string): Promise<true> => eventually(`nobody to answer at ${url}`, patienceMs, async () => ((await pageAt(url)) === undefined ? true : undefined));
const addresses = (): Promise<string> => host.run('ip', ['-4', '-brief', 'address', 'show', 'dev', 'lan0']);

test('an address and a port lead to the machine they were mapped to, over a killed agent, until they are taken back', async () => {
  const params = { instanceId: machine.id };
  const address = await alice.client.call(createPublicMapping, { params, body: { kind: 'address' } });
  const port = await alice.client.call(createPublicMapping, { params, body: { kind: 'port', guestPort: 80 } });
  expect(address.reachedAt).toEqual({ address: '10.77.0.200', port: null });
  expect(port.reachedAt).toEqual({ address: host.address, port: 40_000 });
  expect(await answers(reached(address))).toBe(machine.id);
  expect(await answers(reached(port))).toBe(machine.id);
  await eventually('both to be told as in force', patienceMs, async () => ((await alice.client.call(listPublicMappings)).items.every(({ inForce }) => inForce) ? true : undefined));

  // While no agent runs it leads there all the same; what is taken back meanwhile goes when there is one again.
  host.agent.kill('SIGKILL');
  expect(await answers(reached(address))).toBe(machine.id);
  await alice.client.call(deletePublicMapping, { params: { ...params, mappingId: address.id } });
  await host.startAgent();
  await nobodyAt(reached(address));
  expect(await addresses()).not.toContain('10.77.0.200');
  expect(await answers(reached(port))).toBe(machine.id);

  const again = await alice.client.call(createPublicMapping, { params, body: { kind: 'address' } });
  expect(await answers(reached(again))).toBe(machine.id);
  await followOperation(admin, (await alice.client.call(deleteInstance, { params })).operation);
  await nobodyAt(reached(again));
  await nobodyAt(reached(port));
  expect(await addresses()).not.toContain('10.77.0.200');
  expect(await host.run('iptables', ['-w', '-S', 'FORWARD'])).not.toContain('paravcl-public');
  expect((await alice.client.call(listPublicMappings)).items).toEqual([]);
});
