import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createImageBody } from '@paravcl/shared/api/images';
import type { Principal } from '@paravcl/shared/domain/people';
import { ImageService, type NewImage } from '../../src/services/image-service';
import { ImageStore } from '../../src/store/image-store';
import { openRig, type Rig } from './instance-rig';
import { sampleReservation } from './sample-records';

const whole = { offset: 0, partial: false };

async function* pieces(content: Buffer, size = 1000): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += size) yield await Promise.resolve(content.subarray(at, at + size));
}

/** A connection that breaks after so many bytes. */
async function* broken(content: Buffer, after: number): AsyncGenerator<Buffer> {
  yield* pieces(content.subarray(0, after));
  throw new Error('aborted');
}

function qcow2(change: (header: Buffer) => void = () => undefined): Buffer {
  const file = Buffer.alloc(4096);
  file.writeUInt32BE(0x514649fb, 0);
  file.writeUInt32BE(3, 4);
  file.writeUInt32BE(16, 20);
  file.writeBigUInt64BE(BigInt(5 * 1024 * 1024 + 1), 24);
  file.writeUInt32BE(4, 96);
  file.writeUInt32BE(104, 100);
  change(file);
  return file;
}

const unexpected = (error: unknown): never => {
  throw error;
};

/** A store on a bad disk, or one that stops where a test wants to look. */
class HookedStore extends ImageStore {
  before: Partial<Record<'receive' | 'finish' | 'head' | 'keep' | 'has', () => Promise<void>>> = {};

  override async receive(...args: Parameters<ImageStore['receive']>): Promise<boolean> {
    await this.before.receive?.();
    const complete = await super.receive(...args);
    await this.before.finish?.();
    return complete;
  }
  override async head(...args: Parameters<ImageStore['head']>): Promise<Buffer> {
    await this.before.head?.();
    return super.head(...args);
  }
  override async keep(...args: Parameters<ImageStore['keep']>): Promise<void> {
    await this.before.keep?.();
    return super.keep(...args);
  }
  override async has(...args: Parameters<ImageStore['has']>): Promise<boolean> {
    await this.before.has?.();
    return super.has(...args);
  }
}

const readFault = (): Promise<never> => Promise.reject(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' }));

describe('an image', () => {
  let rig: Rig;
  let admin: Principal;
  let directory: string;
  let store: HookedStore;
  let images: ImageService;

  beforeEach(async () => {
    rig = await openRig();
    admin = await rig.person('admin', 'root-admin');
    directory = mkdtempSync(join(tmpdir(), 'paravcl-images-'));
    store = new HookedStore(directory);
    images = new ImageService(rig.unit, store, rig.clock, 100_000);
    await images.recover(unexpected);
  });
  afterEach(async () => {
    rmSync(directory, { recursive: true, force: true });
    await rig.close();
  });

  const announced = (content: Buffer, more: Partial<NewImage> = {}): NewImage => ({
    ...createImageBody.parse({ name: 'Ubuntu', format: 'raw', sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }),
    ...more,
  });
  const read = async (id: string, offset = 0): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of (await store.openRead(id, offset)).stream) chunks.push(chunk);
    return Buffer.concat(chunks);
  };

  it('is announced, uploaded, checked, and then served from any offset', async () => {
    const content = randomBytes(10_000);
    const made = await images.create(admin, 'disk', announced(content));
    expect(made).toMatchObject({ state: 'uploading', receivedBytes: 0, friendlyId: expect.stringMatching(/^EMI-UBUNTU-[0-9A-F]{3}$/) as string });
    const ready = await images.receive(admin, 'disk', made.id, pieces(content), whole);
    expect(ready).toMatchObject({ state: 'ready', virtualSizeMiB: 1, reason: null });
    expect(await read(made.id, 4000)).toEqual(content.subarray(4000));
    const opened = await store.openRead(made.id, 10_000);
    expect(opened).toMatchObject({ sizeBytes: 10_000, sha256: made.sha256 });
    opened.stream.destroy();
    await expect(images.receive(admin, 'disk', made.id, pieces(content), whole)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('whose upload broke off goes on from where it was, also after the master was killed', async () => {
    const content = randomBytes(10_000);
    const made = await images.create(admin, 'disk', announced(content));
    await expect(images.receive(admin, 'disk', made.id, broken(content, 3000), whole)).rejects.toThrow('aborted');
    expect((await images.get('disk', made.id)).receivedBytes).toBe(3000);
    const after = new ImageService(rig.unit, new ImageStore(directory), rig.clock, 100_000);
    await after.recover(unexpected);
    await expect(after.receive(admin, 'disk', made.id, pieces(content.subarray(4000)), { offset: 4000, partial: false })).rejects.toMatchObject({
      code: 'conflict',
      detail: { field: 'offset', limit: '3000' },
    });
    expect(await after.receive(admin, 'disk', made.id, pieces(content.subarray(3000, 6000)), { offset: 3000, partial: true })).toMatchObject({ state: 'uploading', receivedBytes: 6000 });
    expect(await after.receive(admin, 'disk', made.id, pieces(content.subarray(6000)), { offset: 6000, partial: false })).toMatchObject({ state: 'ready' });
    expect(await read(made.id)).toEqual(content);
  });

  it('with other bytes than announced is refused, and nothing of it is kept', async () => {
    const content = randomBytes(5000);
    const made = await images.create(admin, 'disk', announced(content));
    for (const wrong of [randomBytes(5000), content.subarray(1), Buffer.concat([content, Buffer.from('x')])]) {
      await expect(images.receive(admin, 'disk', made.id, pieces(wrong), whole)).rejects.toMatchObject({ code: 'content-mismatch' });
      expect(readdirSync(directory)).toEqual([]);
    }
    expect(await images.receive(admin, 'disk', made.id, pieces(content), whole)).toMatchObject({ state: 'ready' });
  });

  it('in qcow2 that names another file is refused before any tool sees it, and a clean one shows its virtual size', async () => {
    const clean = qcow2();
    const made = await images.create(admin, 'disk', announced(clean, { format: 'qcow2' }));
    expect(await images.receive(admin, 'disk', made.id, pieces(clean), whole)).toMatchObject({ state: 'ready', virtualSizeMiB: 6 });

    const leaking = qcow2((header) => header.writeBigUInt64BE(512n, 8));
    const bad = await images.create(admin, 'disk', announced(leaking, { format: 'qcow2' }));
    await expect(images.receive(admin, 'disk', bad.id, pieces(leaking), whole)).rejects.toMatchObject({ code: 'invalid-input', detail: { field: 'content' } });
    expect(await images.get('disk', bad.id)).toMatchObject({ state: 'uploading', receivedBytes: 0, reason: expect.stringContaining('backing file') as string });
    expect(readdirSync(directory).filter((name) => name.startsWith(bad.id))).toEqual([]);
  });

  it('that was being checked when the master died is ready, or waits for its upload, after the next start', async () => {
    const content = randomBytes(3000);
    const kept = await images.create(admin, 'disk', announced(content));
    await images.receive(admin, 'disk', kept.id, pieces(content), whole);
    const half = await images.create(admin, 'disk', announced(content));
    await rig.database.db('images').update({ state: 'checking', virtual_size_mib: null });
    const after = new ImageService(rig.unit, new ImageStore(directory), rig.clock, 100_000);
    await after.recover(unexpected);
    expect(await after.get('disk', kept.id)).toMatchObject({ state: 'ready', virtualSizeMiB: 1 });
    expect(await after.get('disk', half.id)).toMatchObject({ state: 'uploading' });
  });

  it('belongs to one request until its check has ended: another cannot write into what is being checked', async () => {
    const content = randomBytes(5000);
    const made = await images.create(admin, 'disk', announced(content));
    let second: unknown = null;
    store.before.finish = async () => {
      store.before = {};
      second = await images.receive(admin, 'disk', made.id, broken(randomBytes(5000), 3000), whole).catch((error: unknown) => error);
    };
    expect(await images.receive(admin, 'disk', made.id, pieces(content), whole)).toMatchObject({ state: 'ready' });
    expect(second).toMatchObject({ code: 'conflict' });
    expect(await read(made.id)).toEqual(content);
  });

  it.each(['head', 'keep'] as const)('whose check ends in a fault of the disk (%s) waits for its content again, and says why', async (call) => {
    const content = randomBytes(5000);
    const made = await images.create(admin, 'disk', announced(content));
    store.before[call] = readFault;
    await expect(images.receive(admin, 'disk', made.id, pieces(content), whole)).rejects.toThrow('EIO');
    expect(await images.get('disk', made.id)).toMatchObject({ state: 'uploading', reason: expect.stringContaining('EIO') as string, receivedBytes: 5000 });
    store.before = {};
    expect(await images.receive(admin, 'disk', made.id, pieces(Buffer.alloc(0)), { offset: 5000, partial: false })).toMatchObject({ state: 'ready', reason: null });
  });

  it('whose check was cut short, and could not even be written down, goes on with the next request', async () => {
    const content = randomBytes(5000);
    const made = await images.create(admin, 'disk', announced(content));
    await rig.database.db('images').update({ state: 'checking' });
    expect(await images.receive(admin, 'disk', made.id, pieces(content), whole)).toMatchObject({ state: 'ready' });
  });

  it('with a fault of the disk at the start of the master does not keep the others from being recovered', async () => {
    const content = randomBytes(3000);
    const bad = await images.create(admin, 'disk', announced(content));
    const good = await images.create(admin, 'disk', announced(content));
    for (const { id } of [bad, good]) await images.receive(admin, 'disk', id, pieces(content), whole);
    await rig.database.db('images').update({ state: 'checking' });
    store.before.has = () => {
      store.before = {};
      return readFault();
    };
    const faults: unknown[] = [];
    await images.recover((error) => faults.push(error));
    expect(faults).toEqual([expect.objectContaining({ code: 'EIO' })]);
    expect(await images.get('disk', bad.id)).toMatchObject({ state: 'uploading', reason: expect.stringContaining('EIO') as string });
    expect(await images.get('disk', good.id)).toMatchObject({ state: 'ready' });
  });

  it('that is deleted during its upload leaves nothing, and its upload ends', async () => {
    const content = randomBytes(5000);
    const made = await images.create(admin, 'disk', announced(content));
    store.before.receive = () => images.delete(admin, 'disk', made.id);
    let sent = 0;
    const counted = async function* (): AsyncGenerator<Buffer> {
      for await (const chunk of pieces(content)) {
        sent += 1;
        yield chunk;
      }
    };
    await expect(images.receive(admin, 'disk', made.id, counted(), whole)).rejects.toMatchObject({ code: 'not-found' });
    expect(sent).toBe(1);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('is not deleted while an instance or another image depends on it; the message says which', async () => {
    const content = randomBytes(3000);
    const kernel = await images.create(admin, 'kernel', announced(content, { name: 'Linux' }));
    expect(kernel.friendlyId).toMatch(/^EKI-LINUX-/);
    expect(await images.receive(admin, 'kernel', kernel.id, pieces(content), whole)).toMatchObject({ state: 'ready', reason: expect.stringContaining('bzImage') as string });
    const disk = await images.create(admin, 'disk', announced(content, { defaultKernelId: kernel.id }));
    await images.receive(admin, 'disk', disk.id, pieces(content), whole);
    await expect(images.delete(admin, 'kernel', kernel.id)).rejects.toMatchObject({ code: 'in-use', message: expect.stringContaining(disk.friendlyId) as string });

    const { instance } = await rig.instances.create(admin, { imageId: disk.id });
    await expect(images.delete(admin, 'disk', disk.id)).rejects.toMatchObject({ code: 'in-use', message: expect.stringContaining(instance.name) as string });
    await rig.scheduler.idle();
    await rig.instances.operate(admin, instance.id, { verb: 'delete' });
    await images.delete(admin, 'disk', disk.id);
    await images.delete(admin, 'kernel', kernel.id);
    expect(readdirSync(directory)).toEqual([]);
    await expect(images.get('disk', disk.id)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('is not deleted while a reservation that is not over names it', async () => {
    const content = randomBytes(3000);
    const disk = await images.create(admin, 'disk', announced(content));
    await images.receive(admin, 'disk', disk.id, pieces(content), whole);
    const { reservations } = rig.unit.read;
    const reservation = sampleReservation({ imageId: disk.id, state: 'no-show', sentence: '2 machines for CL II, Mon 10:00 to 12:00.' });
    await reservations.insert(reservation);
    await expect(images.delete(admin, 'disk', disk.id)).rejects.toMatchObject({ code: 'in-use', message: 'Ubuntu is reserved: 2 machines for CL II, Mon 10:00 to 12:00. Cancel or release that reservation first, or wait until it is over.' });
    await reservations.change(reservation.id, 'no-show', { state: 'expired' });
    await images.delete(admin, 'disk', disk.id);
  });

  it('of an absurd size, or with defaults that are not there, is refused with field and limit', async () => {
    const content = randomBytes(10);
    await expect(images.create(admin, 'disk', announced(content, { sizeBytes: 100_001 }))).rejects.toMatchObject({ code: 'invalid-input', detail: { field: 'sizeBytes', limit: 'at most 100000 bytes' } });
    const disk = await images.create(admin, 'disk', announced(content));
    await expect(images.create(admin, 'disk', announced(content, { defaultKernelId: disk.id }))).rejects.toMatchObject({ detail: { field: 'defaultKernelId' } });
    for (const sizeBytes of [0, -1, 1.5, 1e30]) expect(createImageBody.safeParse({ name: 'x', format: 'raw', sizeBytes, sha256: 'a'.repeat(64) }).success).toBe(false);
  });
});
