/**
 * The Fabric API, call by call as the original lists it, driven over HTTPS as its clients drive it: three hosts with libvirt and QEMU of
 * their own, real guests, and nothing but GETs. What a host must show is asked of its virsh.
 */
import { mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { createApiToken } from '@paravcl/shared/api/api-tokens';
import { defineFabricTypes, getFabric } from '@paravcl/shared/api/fabric';
import { getInstance, listInstances } from '@paravcl/shared/api/instances';
import { describeSlave, listSlaves } from '@paravcl/shared/api/slaves';
import type { Instance } from '@paravcl/shared/domain/instance';
import { parseJson } from '@paravcl/shared/parse-json';
import type { ApiClient } from '@paravcl/workbench/api-client';
import { eventually } from '@paravcl/workbench/eventually';
import { buildDemoGuest } from '@paravcl/workbench/guest/demo-guest';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { instanceWhere } from '@paravcl/workbench/lab/follow-operation';
import { randomPassword } from '@paravcl/workbench/lab/lab';
import { LabSite } from '@paravcl/workbench/lab/lab-site';
import { registerDemoGuest } from '@paravcl/workbench/lab/register-demo-guest';

jest.setTimeout(2 * patienceMs);

/** Two small ones fill a host; a tiny one is stronger, for it asks for less RAM. */
const types = [{ name: 'small', vcpus: 1, ramMiB: 144, diskMiB: 1024 }, { name: 'tiny', vcpus: 1, ramMiB: 128, diskMiB: 1024 }];
const [small, tiny] = [1, 2];
/** What a host offers is all there is. */
const sizes = { coreOvercommit: 1, hostRamMiB: 0, criticalLimitPercent: 0 };

interface Vm {
  readonly vmid: number;
  readonly name: string;
  readonly instance_type: number;
  readonly pmid: number;
}

let site: LabSite;
let admin: ApiClient;
let caPem: string;
let image: number;
let pmids: readonly number[];
/** The policy is this one word of the configuration. */
const config = (ordering: 'fifo' | 'para') => ({ placement: { ...sizes, ordering }, fabric: { enabled: true, user: 'admin', allow: [new URL(site.master.url).hostname] } });

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes domains and networks: run it with npm test, inside a private host.');
  const guest = await buildDemoGuest();
  site = new LabSite({ stateDir: mkdtempSync('/var/tmp/pvf-'), hosts: Array.from({ length: 3 }, () => ({ offerCores: 2, offerRamMiB: 288, poolMiB: 4096 })), masterConfig: { placement: sizes } });
  await site.up();
  admin = await site.master.firstAdmin('admin', randomPassword());
  caPem = await readFile(site.master.caFile, 'utf8');
  await registerDemoGuest(admin, guest);
  await site.enrolAll(admin);
});

afterAll(async () => {
  await site.down();
  await rm(site.options.stateDir, { recursive: true, force: true });
});

test('until the site asks for it there is nothing at its addresses', async () => {
  for (const path of ['/vm/types', '/pm/list', '/image/list', '/vm/create?name=a&instance_type=1&image_id=100']) expect([path, (await get(path)).status]).toEqual([path, 404]);
});

test('types, hosts and images are found', async () => {
  await restartWith('fifo');
  expect((await admin.call(defineFabricTypes, { body: { types } })).types.map(({ tid }) => tid)).toEqual([small, tiny]);
  expect(await said('/vm/types')).toEqual({ types: [{ tid: 1, cpu: 1, ram: 144, disk: 1 }, { tid: 2, cpu: 1, ram: 128, disk: 1 }] });
  expect(await said('/pm/list')).toEqual({ pmids: [1, 2, 3] });
  expect(await said('/image/list')).toEqual({ images: [{ id: 100, name: 'Demo' }] });
  [image, pmids] = [100, [1, 2, 3]];
  for (const pmid of pmids) {
    expect(await said(`/pm/listvms?pmid=${pmid}`)).toEqual({ vmids: [] });
    const pm = await said(`/pm/query?pmid=${pmid}`);
    expect(pm).toEqual({ pmid, capacity: { cpu: 2, ram: 288, disk: 4 }, free: { cpu: 2, ram: 288, disk: expect.any(Number) as number }, vms: 0 });
  }
});

test('VMs are made until the hosts are full, each is asked about, and the hosts run them', async () => {
  const vmids: number[] = [];
  for (let i = 1; i <= 6; i++) vmids.push(await create(`vm-${i}`, small));
  expect(vmids).toEqual([1, 2, 3, 4, 5, 6]);
  for (const vmid of vmids) expect(await placed(vmid)).toEqual({ vmid, name: `vm-${vmid}`, instance_type: small, pmid: expect.any(Number) as number });
  const { slaves } = await admin.call(getFabric);
  for (const pmid of pmids) {
    const { vmids: there } = (await said(`/pm/listvms?pmid=${pmid}`)) as { vmids: number[] };
    expect(there).toHaveLength(2);
    for (const vmid of there) expect(await vm(vmid)).toMatchObject({ pmid });
    expect(await said(`/pm/query?pmid=${pmid}`)).toMatchObject({ capacity: { cpu: 2, ram: 288 }, free: { cpu: 0, ram: 0 }, vms: 2 });
    const host = site.host(slaves.find(({ number }) => number === pmid)?.name ?? '');
    const ids = await Promise.all(there.map(async (vmid) => (await running(`vm-${vmid}`)).id));
    expect([...(await host.evidence.domainIds())].sort()).toEqual([...ids].sort());
  }
});

test('what finds no room is accepted, waits, and comes in the order of the policy, which is exchanged by configuration alone', async () => {
  expect(await create('late', small)).toBe(7);
  expect(await create('strong', tiny)).toBe(8);
  expect([await vm(7), await vm(8)]).toMatchObject([{ pmid: 0 }, { pmid: 0 }]);
  // First come, first served: room for one goes to who came first.
  expect(await said('/vm/destroy?vmid=1')).toEqual({ status: 1 });
  expect(await said('/vm/query?vmid=1')).toBe(0);
  expect(await placed(7)).toMatchObject({ name: 'late' });
  await running('late');
  expect(await vm(8)).toMatchObject({ pmid: 0 });
  // Para-Scheduling makes room for who is stronger. Numbers are what they were.
  await restartWith('para');
  expect(await placed(8)).toEqual({ vmid: 8, name: 'strong', instance_type: tiny, pmid: expect.any(Number) as number });
  expect(await said('/pm/list')).toEqual({ pmids: [1, 2, 3] });
  expect(await said('/image/list')).toMatchObject({ images: [{ id: image }] });
});

test('what is not a call, not a number of the system, or not there is 0, and what cannot be made or destroyed says so', async () => {
  for (const path of ['/vm/query', '/vm/query?vmid=', '/vm/query?vmid=0', '/vm/query?vmid=1', '/vm/query?vmid=99999', '/vm/query?vmid=-1', '/vm/query?vmid=x', '/pm/query?pmid=4', '/pm/query', '/pm/listvms?pmid=0', '/pm/listvms', '/vm/reboot?vmid=2', '/vm', '/pm/', '/image/delete?id=100', '/pm/create']) {
    expect([path, await said(path)]).toEqual([path, 0]);
  }
  for (const query of ['', 'name=a', 'name=&instance_type=1&image_id=100', 'name=a&instance_type=9&image_id=100', 'name=a&instance_type=1&image_id=9', 'name=a&instance_type=one&image_id=100', 'name=vm-2&instance_type=1&image_id=100', 'name=No%20Name&instance_type=1&image_id=100']) {
    expect([query, await said(`/vm/create?${query}`)]).toEqual([query, { vmid: 0 }]);
  }
  for (const query of ['', 'vmid=1', 'vmid=99999', 'vmid=x']) expect([query, await said(`/vm/destroy?${query}`)]).toEqual([query, { status: 0 }]);
});

test('a token acts from anywhere for its owner; a wrong one, a browser and a proxy are nobody', async () => {
  const { token } = await admin.call(createApiToken, { body: { name: 'program', scope: 'read', days: 1 } });
  const bearer = { authorization: `Bearer ${token}` };
  expect(await get('/pm/list', bearer)).toEqual({ status: 200, body: { pmids: [1, 2, 3] } });
  expect(await get('/vm/destroy?vmid=2', bearer)).toEqual({ status: 403, body: { status: 0 } });
  expect(await get('/vm/destroy?vmid=2', { authorization: 'Bearer pva_wrong' })).toEqual({ status: 401, body: { status: 0 } });
  expect(await get('/vm/destroy?vmid=2', { 'sec-fetch-site': 'cross-site' })).toEqual({ status: 403, body: { status: 0 } });
  expect(await get('/vm/destroy?vmid=2', { 'x-forwarded-for': '127.0.0.1' })).toEqual({ status: 401, body: { status: 0 } });
  expect(await vm(2)).toMatchObject({ name: 'vm-2' });
});

test('everything is destroyed, and nothing of it is left on any host', async () => {
  for (const vmid of [2, 3, 4, 5, 6, 7, 8]) expect([vmid, await said(`/vm/destroy?vmid=${vmid}`)]).toEqual([vmid, { status: 1 }]);
  for (const vmid of [2, 3, 4, 5, 6, 7, 8]) expect([vmid, await said(`/vm/query?vmid=${vmid}`)]).toEqual([vmid, 0]);
  for (const host of site.hosts) await eventually(`no domain to be left on ${host.name}`, patienceMs, async () => ((await host.evidence.domainIds()).length === 0 ? true : undefined));
  for (const pmid of pmids) {
    await eventually(`all of host ${pmid} to be free`, patienceMs, async () => {
      const { free } = (await said(`/pm/query?pmid=${pmid}`)) as { free: { cpu: number; ram: number } };
      return free.cpu === 2 && free.ram === 288 ? true : undefined;
    });
    expect(await said(`/pm/listvms?pmid=${pmid}`)).toEqual({ vmids: [] });
  }
  expect(await create('vm-1', tiny)).toBeGreaterThan(8);
});

/** As a client of the original: a GET without anything of its own. */
function get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<{ readonly status: number; readonly body: unknown }> {
  return new Promise((resolve, reject) => {
    const asked = request(new URL(path, site.master.url), { ca: caPem, agent: false, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => { resolve({ status: response.statusCode ?? 0, body: parseJson(Buffer.concat(parts).toString()) }); });
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** All calls of the original are answered with 200. */
async function said(path: string): Promise<unknown> {
  const { status, body } = await get(path);
  expect([path, status]).toEqual([path, 200]);
  return body;
}

async function create(name: string, tid: number): Promise<number> {
  return ((await said(`/vm/create?name=${name}&instance_type=${tid}&image_id=${image}`)) as { vmid: number }).vmid;
}

async function vm(vmid: number): Promise<Vm> {
  return (await said(`/vm/query?vmid=${vmid}`)) as Vm;
}

function placed(vmid: number): Promise<Vm> {
  return eventually(`vm ${vmid} to have a host`, patienceMs, async () => {
    const answer = await vm(vmid);
    return answer.pmid > 0 ? answer : undefined;
  });
}

async function running(name: string): Promise<Instance> {
  const { items } = await admin.call(listInstances, { query: { limit: 100 } });
  const id = items.find((instance) => instance.name === name)?.id ?? '';
  await instanceWhere(admin, id, `${name} to run`, ({ observed }) => observed === 'running');
  return admin.call(getInstance, { params: { instanceId: id } });
}

/** Ends the master and starts it with this policy; answers once all hosts are back, for it places on those only. */
async function restartWith(ordering: 'fifo' | 'para'): Promise<void> {
  await site.master.stop();
  await site.master.configure(config(ordering));
  await site.master.start();
  for (const { id, name } of (await admin.call(listSlaves)).items) {
    await eventually(`${name} to be connected`, patienceMs, async () => ((await admin.call(describeSlave, { params: { slaveId: id } })).fresh ? true : undefined));
  }
}
