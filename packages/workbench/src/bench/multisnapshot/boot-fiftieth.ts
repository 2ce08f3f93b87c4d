import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInstance, deleteInstance } from '@paravcl/shared/api/instances';
import { createSnapshot, getSnapshot } from '@paravcl/shared/api/snapshots';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { ApiClient } from '../../api-client';
import { buildDemoGuest, demoGuestReadyPattern, type DemoGuest } from '../../guest/demo-guest';
import { writeGuestDisk } from '../../guest/guest-disk';
import { patienceMs } from '../../lab/enrol-and-approve';
import { followOperation, instanceWhere } from '../../lab/follow-operation';
import { randomPassword } from '../../lab/lab';
import type { LabHost } from '../../lab/lab-host';
import { LabSite } from '../../lab/lab-site';
import { registerDemoGuest } from '../../lab/register-demo-guest';
import { SerialWatch } from '../serial-watch';

const inARow = 50;
const demoDisk = resolve(__dirname, '..', '..', '..', 'guest-files', 'disk');
/** Where the demo guest has said that it is ready. */
const afterReady = '# Who wants to talk is answered here.';
/** Without it a disk would hardly change from one snapshot to the next. */
const keepsWriting = '(while :; do busybox dd if=/dev/urandom of=/disk/written bs=4k count=64 conv=fsync 2>/dev/null; sleep 0.5; done) &\n';

export interface FiftiethBoots {
  /** API call → ready line on the serial console, s. */
  readonly baseSeconds: readonly number[];
  readonly fiftiethSeconds: readonly number[];
  /** From the request until the snapshot is an image, of each of the fifty, s. */
  readonly snapshotSeconds: readonly number[];
  /** What each brought to the store's door. */
  readonly dirtiedBytes: readonly number[];
}

/**
 * One lab host with real guests. Of one that writes 256 KiB twice a second 50 snapshots are taken in a row, and it goes; then guests boot from its
 * image and from the 50th snapshot, alternating, after one boot of each that counts for nothing: it brings the chunks to the host.
 */
export async function bootFiftieth(runs: number, say: (line: string) => void): Promise<FiftiethBoots> {
  const stateDir = await mkdtemp('/var/tmp/pvclf-');
  const site = new LabSite({
    stateDir,
    hosts: [{ offerRamMiB: 640 }],
    masterConfig: { placement: { coreOvercommit: 4, hostRamMiB: 0, criticalLimitPercent: 0 } },
  });
  try {
    const guest = await writingDemoGuest(stateDir, say);
    await site.up();
    const admin = await site.master.firstAdmin('admin', randomPassword());
    const image = await registerDemoGuest(admin, guest);
    await site.enrolAll(admin);
    const host = site.host('host-1');
    const { imageId, snapshotSeconds, dirtiedBytes } = await snapshotsInARow(admin, image.id, say);
    const times = { base: [] as number[], fiftieth: [] as number[] };
    for (let run = 0; run <= runs; run += 1) {
      for (const arm of run % 2 === 0 ? (['base', 'fiftieth'] as const) : (['fiftieth', 'base'] as const)) {
        const seconds = await boot(admin, host, arm === 'base' ? image.id : imageId);
        if (run > 0) times[arm].push(seconds);
        say(`boot ${String(run)} from ${arm === 'base' ? 'the base image' : `snapshot ${String(inARow)}`}: ${seconds.toFixed(2)} s${run > 0 ? '' : ', not counted'}`);
      }
    }
    return { baseSeconds: times.base, fiftiethSeconds: times.fiftieth, snapshotSeconds, dirtiedBytes };
  } finally {
    await site.down();
    await rm(stateDir, { recursive: true, force: true });
  }
}

/** The demo guest, whose disk changes all the time once it is ready. */
async function writingDemoGuest(directory: string, say: (line: string) => void): Promise<DemoGuest> {
  const guest = await buildDemoGuest({ onProgress: say });
  const content = join(directory, 'content');
  await cp(demoDisk, content, { recursive: true });
  const start = join(content, 'guest', 'start');
  const [ahead, behind] = (await readFile(start, 'utf8')).split(afterReady);
  if (ahead === undefined || behind === undefined) throw new Error(`The demo guest's ${start} has no line "${afterReady}" any more: say here what follows its ready line.`);
  await writeFile(start, `${ahead}${keepsWriting}${afterReady}${behind}`);
  const path = join(directory, 'writing.img');
  await writeGuestDisk(path, content);
  const bytes = await readFile(path);
  return { ...guest, disk: { path, sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') } };
}

/** Takes them of one running instance, which is deleted; answers the image of the last. */
async function snapshotsInARow(admin: ApiClient, baseId: string, say: (line: string) => void): Promise<Pick<FiftiethBoots, 'snapshotSeconds' | 'dirtiedBytes'> & { readonly imageId: string }> {
  const { id, name } = await launch(admin, baseId);
  await instanceWhere(admin, id, `${name} to run`, ({ observed }) => observed === 'running');
  const snapshotSeconds: number[] = [];
  const dirtiedBytes: number[] = [];
  let imageId = '';
  for (let number = 1; number <= inARow; number += 1) {
    const begun = performance.now();
    const { snapshot, operation } = await admin.call(createSnapshot, { body: { instanceIds: [id] } });
    await followOperation(admin, operation);
    snapshotSeconds.push((performance.now() - begun) / 1000);
    const { state, sentence, parts } = await admin.call(getSnapshot, { params: { snapshotId: snapshot.id } });
    const part = parts[0];
    if (state !== 'ready' || part?.imageId == null) throw new Error(`Snapshot ${String(number)} is ${state}: ${sentence}`);
    imageId = part.imageId;
    dirtiedBytes.push(part.dirtiedBytes ?? 0);
    if (number % 10 === 0) say(`snapshot ${String(number)} of ${String(inARow)} in a row: ${(snapshotSeconds.at(-1) ?? 0).toFixed(2)} s, ${String((dirtiedBytes.at(-1) ?? 0) / 1024)} KiB`);
  }
  await remove(admin, id);
  return { imageId, snapshotSeconds, dirtiedBytes };
}

async function boot(admin: ApiClient, host: LabHost, imageId: string): Promise<number> {
  const begun = performance.now();
  const { id, name } = await launch(admin, imageId);
  const serial = new SerialWatch(join(host.pool, 'instances', id, 'serial.log'));
  try {
    const seconds = ((await serial.sees(demoGuestReadyPattern, patienceMs)) - begun) / 1000;
    await instanceWhere(admin, id, `${name} to run`, ({ observed }) => observed === 'running');
    return seconds;
  } finally {
    await serial.close();
    await remove(admin, id);
  }
}

async function launch(admin: ApiClient, imageId: string): Promise<Instance> {
  return (await admin.call(createInstance, { body: { imageId, vcpus: 1, ramMiB: 128, minutes: null } })).instance;
}

async function remove(admin: ApiClient, instanceId: string): Promise<void> {
  await followOperation(admin, (await admin.call(deleteInstance, { params: { instanceId } })).operation);
}
