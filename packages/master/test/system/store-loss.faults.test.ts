/** Files of the chunk store that go while the real master runs, and while it does not: found, told by the images' names, and saved where they can be. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { listEvents } from '@paravcl/shared/api/events';
import { createImage, getImageContent, putImageContent, type ImageAnswer } from '@paravcl/shared/api/images';
import { createStoreVerification, getLatestStoreVerification, type StoreVerification } from '@paravcl/shared/api/store';
import { MiB } from '@paravcl/shared/domain/limits';
import type { ApiClient } from '@paravcl/workbench/api-client';
import { eventually } from '@paravcl/workbench/eventually';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { labLayout } from '@paravcl/workbench/lab/lab-layout';
import { randomPassword } from '@paravcl/workbench/lab/lab';
import { LabSite } from '@paravcl/workbench/lab/lab-site';

jest.setTimeout(patienceMs);

let site: LabSite;
let admin: ApiClient;

beforeAll(async () => {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes interfaces: run it with npm test, inside a private host.');
  site = new LabSite({ stateDir: await mkdtemp('/var/tmp/pvs-'), hosts: [] });
  await site.up();
  admin = await site.master.firstAdmin('admin', randomPassword());
});
afterAll(async () => {
  await site.down();
  await rm(site.options.stateDir, { recursive: true, force: true });
});

const packs = (): string => join(labLayout(site.options.stateDir).masterState, 'chunks', 'packs');

async function uploaded(name: string, content: Buffer): Promise<ImageAnswer> {
  const { id } = await admin.call(createImage, { body: { name, format: 'raw', sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') } });
  return admin.call(putImageContent, { params: { imageId: id }, query: {}, upload: { content: Readable.from([content]), sizeBytes: content.length } });
}

async function verified(repair: boolean): Promise<StoreVerification> {
  await admin.call(createStoreVerification, { body: { repair } });
  return eventually('the end of the verification', patienceMs, async () => {
    const latest = await admin.call(getLatestStoreVerification);
    return latest.state === 'running' ? undefined : latest;
  });
}

test('a pack that goes is found while the master runs and saved from what it holds open; one that went while it was away is told at its start', async () => {
  const content = randomBytes(4 * MiB);
  const image = await uploaded('Exam secret', content);
  expect(image.state).toBe('ready');
  const download = (): Promise<Buffer> => admin.call(getImageContent, { params: { imageId: image.id } });
  expect((await download()).equals(content)).toBe(true);

  for (const name of await readdir(packs())) await rm(join(packs(), name));
  const needed = `64 chunks that images need, of Exam secret (${image.friendlyId})`;
  expect((await verified(false)).sentence).toBe(`Damaged: ${needed}. Verify the store with repair: hosts may have them.`);
  expect((await verified(true)).sentence).toBe(`Damaged: ${needed}; all repaired from what the master still had of them.`);
  await site.master.stop();
  await site.master.start();
  expect((await verified(false)).sentence).toBe('64 chunks read, and all that images need are as they were.');
  expect((await download()).equals(content)).toBe(true);

  await site.master.stop();
  await rename(packs(), `${packs()}-missed`);
  await site.master.start();
  const told = await eventually('the start to tell what is missing', patienceMs, async () => (await admin.call(listEvents, { query: { kind: 'store.damaged', limit: 10 } })).items.find(({ actor }) => actor === 'master'));
  expect(told.sentence).toBe(`Missing or damaged in the master’s store: ${needed}. Verify the store with repair: hosts may have them.`);
});
