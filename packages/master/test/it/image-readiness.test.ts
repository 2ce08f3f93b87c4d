import type { ImageSlaves, SlaveImages } from '@paravcl/shared/api/image-readiness';
import { newId } from '@paravcl/shared/ids';
import type { PreCopyPlan } from '../../src/core/pre-copy';
import { imageReadinessRoutes } from '../../src/http/image-readiness-routes';
import type { NewImageRecord } from '../../src/repositories/image-record';
import { ImageReadiness } from '../../src/services/image-readiness';
import { plainDescribe } from './agent-double';
import { HandClock } from './hand-clock';
import { holding, MirrorFleetDouble } from './mirror-fleet-double';
import { sampleImage, sampleTime } from './sample-records';
import { openTestSite, type TestSite } from './test-site';

const [ubuntu, linux, secret] = ['a'.repeat(64), 'b'.repeat(64), 'c'.repeat(64)];
const clock = new HandClock();
const due = Date.parse('2026-03-02T11:00:00.000Z');

let site: TestSite;
const fleet = new MirrorFleetDouble();
const plan = new Map<string, NonNullable<ReturnType<PreCopyPlan['wanted']['get']>>>();
let image: string;
let kernel: string;
let lab: string;
let own: string;
let silent: string;

const slave = async (name: string, ownerUserId: string | null = null): Promise<string> => {
  const id = newId(sampleTime);
  await site.database.unit.transaction(({ slaves }) =>
    slaves.insert({
      id, name, kind: ownerUserId === null ? 'dedicated' : 'volunteer', ownerUserId, maxConnections: null, admission: 'approved', admissionReason: null, liveness: 'online', publicKey: `key of ${id}`,
      machineId: id.replaceAll('-', ''), macs: ['02:00:00:00:00:01'], enrolledAddress: null, address: null, presented: null, describe: plainDescribe('02:00:00:00:00:01'), foreignDomains: [],
      agentBuild: null, epoch: 1, lastSeenAt: sampleTime, declaredDeadAt: null, createdAt: sampleTime,
    }),
  );
  return id;
};
const version = async (facts: Partial<NewImageRecord>): Promise<string> => {
  const record = sampleImage(facts);
  await site.database.unit.transaction(({ images }) => images.insert(record));
  return record.id;
};
const onSlave = async (id: string, as = site.people.operator) => (await site.send<SlaveImages>('GET', `/slaves/${id}/images`, { as })).body;
const ofImage = (id: string, as = site.people.operator) => site.send<ImageSlaves>('GET', `/images/${id}/slaves`, { as });

beforeAll(async () => {
  const preCopy = {
    wantedOn: (slaveId: string) => plan.get(slaveId) ?? [],
    wantedOf: (manifest: string) => new Map([...plan].flatMap(([slaveId, wanted]) => wanted.filter((one) => one.manifest === manifest).map((one) => [slaveId, one] as const))),
  };
  site = await openTestSite({ more: ({ unit }) => imageReadinessRoutes(new ImageReadiness({ unitOfWork: unit, fleet, preCopy, clock, timeZone: 'Europe/Berlin' })) });
  kernel = await version({ kind: 'kernel', name: 'Linux 6.1', friendlyId: 'EKI-LINUX-1', manifestId: linux });
  image = await version({ name: 'Ubuntu', friendlyId: 'EMI-UBUNTU-1', version: 3, manifestId: ubuntu, defaultKernelId: kernel });
  await version({ name: 'Exam', friendlyId: 'EMI-EXAM-1', visibility: 'private', manifestId: secret });
  [lab, own, silent] = [await slave('lab-1'), await slave('pc-of-sam', site.people.student.id), await slave('attic')];
  fleet.says(lab, [holding(ubuntu, 12, 10), holding(linux, 100, 0, 0)]);
  fleet.says(own, [holding(ubuntu, 5, 3), holding(secret, 100)], { poolFull: true });
  plan.set(lab, [{ manifest: linux, what: 'all', dueAt: due, for: ['r'] }, { manifest: ubuntu, what: 'boot-set', dueAt: due, for: ['r'] }]);
  plan.set(silent, [{ manifest: ubuntu, what: 'all', dueAt: sampleTime, for: ['i'] }]);
}, 60_000);
afterAll(() => site.close());

test('a host shows what it has of which versions, what is due first first', async () => {
  expect(await onSlave(lab)).toEqual({
    connected: true, poolFull: false, sentence: 'lab-1 has something of 2 images.',
    items: [
      {
        manifest: linux, images: [{ id: kernel, friendlyId: 'EKI-LINUX-1', kind: 'kernel', name: 'Linux 6.1', version: 1 }],
        holding: { presentChunks: 100, totalChunks: 100, presentBootChunks: 0, totalBootChunks: 0, complete: true }, ready: true, wanted: { what: 'all', dueAt: '2026-03-02T11:00:00.000Z' },
        sentence: 'All of it is here, and new disks use the file itself. It is kept for guests that are expected from Mon 12:00.',
      },
      {
        manifest: ubuntu, images: [{ id: image, friendlyId: 'EMI-UBUNTU-1', kind: 'disk', name: 'Ubuntu', version: 3 }],
        holding: { presentChunks: 12, totalChunks: 100, presentBootChunks: 10, totalBootChunks: 10, complete: false }, ready: true, wanted: { what: 'boot-set', dueAt: '2026-03-02T11:00:00.000Z' },
        sentence: 'What a boot reads is here; 12 % of the whole. It is kept for guests that are expected from Mon 12:00.',
      },
    ],
  });
});

test('a host whose mirror was not heard of says so, and what it is to have', async () => {
  expect(await onSlave(silent)).toMatchObject({
    connected: false, sentence: 'The mirror of attic has not been connected since the master’s start: what is there is not known.',
    items: [{ manifest: ubuntu, holding: null, ready: false, wanted: { what: 'all' }, sentence: 'Nothing of it is here. All of it is being brought for guests that are expected now.' }],
  });
});

test('a host whose mirror is gone shows what it said last', async () => {
  const gone = await slave('gone');
  fleet.says(gone, [holding(linux, 40, 0, 0)], { connected: false });
  expect(await onSlave(gone)).toMatchObject({ connected: false, sentence: 'The mirror of gone is not connected; when it was, it had something of 1 image.', items: [{ ready: false, sentence: '40 % of the whole is here.' }] });
  fleet.says(gone, []);
});

test('people see of their own machine what they may see, only the number of the rest, and no other machine', async () => {
  const seen = await onSlave(own, site.people.student);
  expect(seen).toMatchObject({ poolFull: true, sentence: 'pc-of-sam has something of 2 images. Its pool is full: nothing is brought ahead until there is room. Make room on that host, or raise the limit of its cache.' });
  expect(seen.items.map(({ manifest, images }) => [manifest, images.map(({ name }) => name)])).toEqual([[ubuntu, ['Ubuntu']]]);
  expect((await onSlave(own)).items.map(({ images }) => images.map(({ name }) => name))).toEqual([['Ubuntu'], ['Exam']]);
  expect(await site.send('GET', `/slaves/${lab}/images`, { as: site.people.student })).toMatchObject({ status: 404, body: { code: 'not-found' } });
});

test('an image shows which hosts have how much of it or are to have it, by name', async () => {
  const { body } = await ofImage(image);
  expect(body.sentence).toBe('Ubuntu (EMI-UBUNTU-1) is ready on 1 of the 3 hosts that have some of it or are to have it.');
  expect(body.items.map(({ name, connected, ready, wanted }) => [name, connected, ready, wanted?.what ?? null])).toEqual([['attic', false, false, 'all'], ['lab-1', true, true, 'boot-set'], ['pc-of-sam', true, false, null]]);
  expect(body.items[2]?.sentence).toBe('30 % of what a boot reads is here; 5 % of the whole.');
  expect((await ofImage(kernel)).body).toMatchObject({ sentence: 'Linux 6.1 (EKI-LINUX-1) is ready on the one host that has some of it or is to have it.', items: [{ slaveId: lab, ready: true }] });
});

test('an image that nobody has says so; one without content, and one that is none, are refused by name', async () => {
  const fresh = await version({ name: 'Debian', friendlyId: 'EMI-DEBIAN-1', manifestId: 'd'.repeat(64) });
  expect((await ofImage(fresh)).body).toEqual({ sentence: 'No host has anything of Debian (EMI-DEBIAN-1) yet; each fetches what its guests read.', items: [] });
  const early = await version({ name: 'Fedora', friendlyId: 'EMI-FEDORA-1', state: 'uploading' });
  expect((await ofImage(early)).body).toMatchObject({ code: 'image-not-ready', detail: expect.stringContaining('Fedora (EMI-FEDORA-1)') as string });
  expect(await ofImage(newId(sampleTime))).toMatchObject({ status: 404 });
});

test('names all hosts to nobody but those who run the site', async () => {
  for (const role of ['student', 'teacher'] as const) expect(await ofImage(image, site.people[role])).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  expect((await ofImage(image, site.people.admin)).status).toBe(200);
});
