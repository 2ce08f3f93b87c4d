import { createHash, randomBytes } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createImageBody } from '@paravcl/shared/api/images';
import type { Principal } from '@paravcl/shared/domain/people';
import type { ImageRepositoryComposition } from '../../src/compose-image-repository';
import type { NewImage } from '../../src/services/image-announcement';
import type { ImageService } from '../../src/services/image-service';
import { notInstalled } from '../../src/store/conversion-programs';
import { storageFull } from '../../src/store/storage-room';
import { eventually } from './eventually';
import { openImageFiles, type ImageFiles } from './image-rig';
import { openRig, type Rig } from './instance-rig';
import { refusal } from './reservation-rig';
import { sampleReservation } from './sample-records';

// Programs are run here, on machines that are busy.
jest.setTimeout(60_000);

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

/** As qemu-img makes it of a raw disk. */
async function asQcow2(raw: Buffer): Promise<Buffer> {
  const directory = mkdtempSync(join(tmpdir(), 'paravcl-qcow2-'));
  try {
    const [from, to] = [join(directory, 'disk.raw'), join(directory, 'disk.qcow2')];
    writeFileSync(from, raw);
    await promisify(execFile)('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', '--', from, to]);
    return readFileSync(to);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const readFault = (): Promise<never> => Promise.reject(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' }));

describe('an image', () => {
  let rig: Rig;
  let admin: Principal;
  let files: ImageFiles;
  let repository: ImageRepositoryComposition;
  let images: ImageService;

  beforeEach(async () => {
    rig = await openRig();
    admin = await rig.person('admin', 'root-admin');
    files = await openImageFiles();
    repository = files.compose(rig.unit, rig.clock, 100_000);
    images = repository.images;
    await images.recover();
  });
  afterEach(async () => {
    await images.idle();
    await files.close();
    await rig.close();
  });

  /** As after the master was killed and started again. */
  const restarted = async (): Promise<ImageService> => {
    await files.restart();
    repository = files.compose(rig.unit, rig.clock, 100_000);
    images = repository.images;
    await images.recover();
    await images.idle();
    return images;
  };
  const announced = (content: Buffer, more: Partial<NewImage> = {}): NewImage => ({
    ...createImageBody.parse({ name: 'Ubuntu', format: 'raw', sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }),
    ...more,
  });
  const read = async (id: string, offset = 0): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of (await repository.contents.openRead(id, offset)).stream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
  const uploads = (): string[] => readdirSync(files.directory);

  it('is announced, uploaded, checked, and then served from any offset', async () => {
    const content = randomBytes(10_240);
    const made = await images.create(admin, 'disk', announced(content));
    expect(made).toMatchObject({ state: 'uploading', receivedBytes: 0, friendlyId: expect.stringMatching(/^EMI-UBUNTU-[0-9A-F]{3}$/) as string });
    const ready = await images.receive(admin, 'disk', made.id, pieces(content), whole);
    expect(ready).toMatchObject({ state: 'ready', virtualSizeMiB: 1, reason: null, contentBytes: 10_240, checkPercent: null, manifestId: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
    expect(await read(made.id, 4000)).toEqual(content.subarray(4000));
    const opened = await repository.contents.openRead(made.id, 10_240);
    expect(opened).toMatchObject({ sizeBytes: 10_240, sha256: made.sha256 });
    opened.stream.destroy();
    expect(uploads()).toEqual([]);
    await expect(images.receive(admin, 'disk', made.id, pieces(content), whole)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('whose upload broke off goes on from where it was, also after the master was killed', async () => {
    const content = randomBytes(10_240);
    const made = await images.create(admin, 'disk', announced(content));
    await expect(images.receive(admin, 'disk', made.id, broken(content, 3000), whole)).rejects.toThrow('aborted');
    expect((await images.get(admin, 'disk', made.id)).receivedBytes).toBe(3000);
    const after = await restarted();
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
    for (const wrong of [randomBytes(5000), Buffer.concat([content, Buffer.from('x')])]) {
      const { message } = await refusal(images.receive(admin, 'disk', made.id, pieces(wrong), whole));
      expect(message).toMatch(/^The content is not what was announced: .*Nothing of it was kept/);
      expect(await images.get(admin, 'disk', made.id)).toMatchObject({ state: 'uploading', receivedBytes: 0, reason: message });
      expect(uploads()).toEqual([]);
    }
    // What is refused for was of other bytes than those that come now.
    expect(await images.receive(admin, 'disk', made.id, pieces(content.subarray(0, 10)), { offset: 0, partial: true })).toMatchObject({ reason: null });
    expect(await images.receive(admin, 'disk', made.id, pieces(content), whole)).toMatchObject({ state: 'ready', reason: null });
  });

  it('whose stream ended early, though in order, goes on from there; one whose announced size was wrong cannot', async () => {
    const content = randomBytes(5000);
    const made = await images.create(admin, 'disk', announced(content));
    const early = await refusal(images.receive(admin, 'disk', made.id, pieces(content.subarray(0, 4999)), whole));
    expect(early).toMatchObject({ code: 'content-mismatch', field: 'offset', limit: '4999', message: 'The content ended early: 4999 of 5000 bytes are here, and kept. Go on at offset 4999, or send it again from the start.' });
    expect(await images.get(admin, 'disk', made.id)).toMatchObject({ state: 'uploading', receivedBytes: 4999, reason: early.message });
    expect(await images.receive(admin, 'disk', made.id, pieces(content.subarray(4999)), { offset: 4999, partial: false })).toMatchObject({ state: 'ready', reason: null });
    expect(await read(made.id)).toEqual(Buffer.concat([content, Buffer.alloc(120)]));

    const larger = await images.create(admin, 'disk', announced(content, { sizeBytes: 6000 }));
    expect((await refusal(images.receive(admin, 'disk', larger.id, pieces(content), whole))).message).toMatch(/it has 5000 bytes, announced were 6000\. Nothing of it was kept/);
    expect(uploads()).toEqual([]);
  });

  it('in qcow2 that names another file is refused before any tool sees it, and a clean one becomes what the guest sees', async () => {
    const raw = Buffer.concat([randomBytes(100_000), Buffer.alloc(5 * 1024 * 1024 + 512 - 100_000)]);
    const clean = await asQcow2(raw);
    const small = files.compose(rig.unit, rig.clock, 10_000_000).images;
    const made = await small.create(admin, 'disk', announced(clean, { format: 'qcow2' }));
    expect(await small.receive(admin, 'disk', made.id, pieces(clean, 100_000), whole)).toMatchObject({ state: 'ready', virtualSizeMiB: 6, format: 'qcow2', contentBytes: raw.length });
    expect((await read(made.id)).equals(raw)).toBe(true);
    expect(await repository.contents.findFor(await rig.slave('lab-pc-01'), made.id)).toEqual({ state: 'ready', sizeBytes: raw.length });

    const leaking = qcow2((header) => header.writeBigUInt64BE(512n, 8));
    const bad = await images.create(admin, 'disk', announced(leaking, { format: 'qcow2' }));
    await expect(images.receive(admin, 'disk', bad.id, pieces(leaking), whole)).rejects.toMatchObject({ code: 'invalid-input', detail: { field: 'content' } });
    expect(await images.get(admin, 'disk', bad.id)).toMatchObject({ state: 'uploading', receivedBytes: 0, reason: expect.stringContaining('backing file') as string });
    expect((await images.get(admin, 'disk', bad.id)).reason).toMatch(/A mended file has another SHA-256: delete this image and announce the mended one\.$/);
    expect(uploads()).toEqual([]);
  });

  it('that was being checked when the master died is ready, or waits for its upload, after the next start', async () => {
    const content = randomBytes(3072);
    const kept = await images.create(admin, 'disk', announced(content));
    files.hooks.take = readFault;
    await expect(images.receive(admin, 'disk', kept.id, pieces(content), whole)).rejects.toThrow('EIO');
    files.hooks.take = undefined;
    const half = await images.create(admin, 'disk', announced(content));
    await rig.database.db('images').update({ state: 'checking', check_percent: 7 });
    const after = await restarted();
    expect(await after.get(admin, 'disk', kept.id)).toMatchObject({ state: 'ready', virtualSizeMiB: 1, checkPercent: null });
    expect(await after.get(admin, 'disk', half.id)).toMatchObject({ state: 'uploading', reason: 'The check was cut short and its content is gone. Send it once more.' });
    expect(await read(kept.id)).toEqual(content);
    expect(files.faults).toEqual([]);
  });

  it('whose check takes long is answered as being checked, with how far it is, and goes on', async () => {
    const content = randomBytes(5120);
    const made = await images.create(admin, 'disk', announced(content));
    let goOn = (): void => undefined;
    files.hooks.take = () => new Promise((resolve) => (goOn = resolve));
    const sent = images.receive(admin, 'disk', made.id, pieces(content), whole);
    await eventually('the check begins', async () => (await images.get(admin, 'disk', made.id)).state === 'checking');
    rig.clock.advance(10_000);
    expect(await sent).toMatchObject({ state: 'checking', checkPercent: 0 });
    await expect(images.receive(admin, 'disk', made.id, pieces(content), whole)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('checked') as string });
    goOn();
    await images.idle();
    expect(await images.get(admin, 'disk', made.id)).toMatchObject({ state: 'ready', checkPercent: null });
  });

  it('tells how far its check is once a second, not with every percent', async () => {
    const content = randomBytes(5120);
    const made = await images.create(admin, 'disk', announced(content));
    const percent = async (): Promise<number | null> => (await images.get(admin, 'disk', made.id)).checkPercent;
    const shown: (number | null)[] = [];
    files.hooks.take = async (onProgress) => {
      for (const [now, told] of [[10, 0], [20, 0], [30, 1000], [40, 999], [50, 1]] as const) {
        rig.clock.advance(told);
        onProgress(now);
        // What is written is written soon; what is not can only be seen not to come with what follows.
        if (told === 1000 || told === 1) await eventually(`${now} % are told`, async () => (await percent()) === now);
        shown.push(await percent());
      }
    };
    expect(await images.receive(admin, 'disk', made.id, pieces(content), whole)).toMatchObject({ state: 'ready', checkPercent: null });
    expect(shown).toEqual([0, 0, 30, 30, 50]);
  });

  it('of an earlier release is launched as it was, and is taken into the chunk store behind the start', async () => {
    const content = randomBytes(8192);
    const sha256 = createHash('sha256').update(content).digest('hex');
    const id = await rig.image(1, 'disk', 'ready', { sizeBytes: content.length, sha256 });
    writeFileSync(join(files.directory, `${id}-${sha256}.image`), content);
    expect(await read(id)).toEqual(content);
    await rig.slave('lab-pc-01');
    const { instance } = await rig.instances.create(admin, { imageId: id });
    await rig.scheduler.idle();
    const diskOf = () => rig.agents.last(instance.id).desired.spec?.disk;
    expect(diskOf()).toEqual({ imageId: id, sha256, sizeBytes: content.length, format: 'raw' });

    const after = await restarted();
    const { manifestId, ...taken } = await after.get(admin, 'disk', id);
    expect(taken).toMatchObject({ state: 'ready', contentBytes: 8192 });
    expect(uploads()).toEqual([]);
    expect(await read(id)).toEqual(content);
    await rig.resend.run();
    expect(diskOf()).toEqual({ imageId: id, sha256, sizeBytes: 8192, format: 'raw', manifest: manifestId });
  });

  it('belongs to one request until its check has ended: another cannot write into what is being checked', async () => {
    const content = randomBytes(5120);
    const made = await images.create(admin, 'disk', announced(content));
    let second: unknown = null;
    files.hooks.received = async () => {
      files.hooks.received = undefined;
      second = await images.receive(admin, 'disk', made.id, broken(randomBytes(5120), 3000), whole).catch((error: unknown) => error);
    };
    expect(await images.receive(admin, 'disk', made.id, pieces(content), whole)).toMatchObject({ state: 'ready' });
    expect(second).toMatchObject({ code: 'conflict' });
    expect(await read(made.id)).toEqual(content);
  });

  it('whose check ends in a fault of the disk waits for its content again, and says why', async () => {
    const content = randomBytes(5120);
    const made = await images.create(admin, 'disk', announced(content));
    files.hooks.take = readFault;
    await expect(images.receive(admin, 'disk', made.id, pieces(content), whole)).rejects.toThrow('EIO');
    expect(await images.get(admin, 'disk', made.id)).toMatchObject({ state: 'uploading', reason: expect.stringContaining('EIO') as string, receivedBytes: 5120 });
    expect((await images.get(admin, 'disk', made.id)).reason).toContain(`All 5120 bytes of it are kept; send none of them again. Have it checked again by an empty PUT to /api/v1/images/${made.id}/content?offset=5120.`);
    files.hooks.take = undefined;
    expect(await images.receive(admin, 'disk', made.id, pieces(Buffer.alloc(0)), { offset: 5120, partial: false })).toMatchObject({ state: 'ready', reason: null });
  });

  it('whose check finds no room says how it is checked again, to who sent it too', async () => {
    const content = randomBytes(5120);
    const made = await images.create(admin, 'kernel', announced(content));
    files.hooks.take = () => Promise.reject(storageFull('/srv'));
    const { code, message } = await refusal(images.receive(admin, 'kernel', made.id, pieces(content), whole));
    expect({ code, message }).toEqual({ code: 'storage-full', message: expect.stringMatching(new RegExp(`no room in /srv .* by an empty PUT to /api/v1/kernels/${made.id}/content\\?offset=5120\\.$`)) as string });
    expect(await images.get(admin, 'kernel', made.id)).toMatchObject({ reason: message, receivedBytes: 5120 });
  });

  it('in qcow2 is not taken where qemu-img is missing: that is told when the master starts, when one is announced, and after its check', async () => {
    const content = await asQcow2(randomBytes(65_536));
    const large = files.compose(rig.unit, rig.clock, 10_000_000).images;
    const made = await large.create(admin, 'disk', announced(content, { format: 'qcow2' }));
    const missing = notInstalled('qemu-img');
    files.hooks.missing = (format) => (format === 'qcow2' ? missing : null);
    expect(await refusal(large.create(admin, 'disk', announced(content, { format: 'qcow2' })))).toEqual({ code: 'conflict', message: expect.stringMatching(/^qemu-img is not installed on the master.*qemu-utils.*needs no restart/) as string });
    expect(await large.create(admin, 'disk', announced(randomBytes(10)))).toMatchObject({ state: 'uploading' });
    files.hooks.take = () => Promise.reject(missing);
    expect(await refusal(large.receive(admin, 'disk', made.id, pieces(content), whole))).toMatchObject({ code: 'conflict', message: expect.stringContaining(missing.message) as string });
    expect(await large.get(admin, 'disk', made.id)).toMatchObject({ reason: expect.stringContaining('qemu-utils') as string, receivedBytes: content.length });
    await large.recover();
    expect(files.faults).toEqual([missing]);
    [files.hooks.missing, files.hooks.take] = [undefined, undefined];
    expect(await large.receive(admin, 'disk', made.id, pieces(Buffer.alloc(0)), { offset: content.length, partial: false })).toMatchObject({ state: 'ready', reason: null });
  });

  it('for which room may lack is refused before its bytes come; once they are all here its check is tried whatever the room', async () => {
    const content = randomBytes(5120);
    const made = await images.create(admin, 'disk', announced(content));
    const asked: number[] = [];
    files.hooks.room = (toComeBytes) => {
      asked.push(toComeBytes);
      return asked.length === 1 ? Promise.reject(storageFull('/srv', undefined, ' (1 MiB are free)')) : Promise.resolve();
    };
    let sent = 0;
    const counted = async function* (): AsyncGenerator<Buffer> {
      for await (const piece of pieces(content.subarray(0, 3000))) {
        sent += piece.length;
        yield piece;
      }
    };
    const { message } = await refusal(images.receive(admin, 'disk', made.id, counted(), { offset: 0, partial: true }));
    expect(sent).toBe(0);
    expect(await images.get(admin, 'disk', made.id)).toMatchObject({ reason: message, receivedBytes: 0 });
    await images.receive(admin, 'disk', made.id, counted(), { offset: 0, partial: true });
    files.hooks.take = readFault;
    await expect(images.receive(admin, 'disk', made.id, pieces(content.subarray(3000)), { offset: 3000, partial: false })).rejects.toThrow('EIO');
    files.hooks.take = undefined;
    expect(await images.receive(admin, 'disk', made.id, pieces(Buffer.alloc(0)), { offset: 5120, partial: false })).toMatchObject({ state: 'ready' });
    expect(asked).toEqual([5120, 5120, 2120]);
  });

  it('whose check was cut short, and could not even be written down, goes on with the next request', async () => {
    const content = randomBytes(5000);
    const made = await images.create(admin, 'disk', announced(content));
    await rig.database.db('images').update({ state: 'checking' });
    expect(await images.receive(admin, 'disk', made.id, pieces(content), whole)).toMatchObject({ state: 'ready' });
  });

  it('with a fault of the disk at the start of the master does not keep the others from being recovered', async () => {
    const content = randomBytes(3072);
    const bad = await images.create(admin, 'disk', announced(content));
    const good = await images.create(admin, 'disk', announced(content));
    files.hooks.take = readFault;
    for (const { id } of [bad, good]) await expect(images.receive(admin, 'disk', id, pieces(content), whole)).rejects.toThrow('EIO');
    await rig.database.db('images').update({ state: 'checking' });
    files.hooks.take = () => {
      files.hooks.take = undefined;
      return readFault();
    };
    const after = await restarted();
    expect(files.faults).toEqual([expect.objectContaining({ code: 'EIO' })]);
    expect(await after.get(admin, 'disk', bad.id)).toMatchObject({ state: 'uploading', reason: expect.stringContaining('EIO') as string });
    expect(await after.get(admin, 'disk', good.id)).toMatchObject({ state: 'ready' });
  });

  it('that is deleted during its upload leaves nothing, and its upload ends', async () => {
    const content = randomBytes(5000);
    const made = await images.create(admin, 'disk', announced(content));
    files.hooks.receive = () => images.delete(admin, 'disk', made.id);
    let sent = 0;
    const counted = async function* (): AsyncGenerator<Buffer> {
      for await (const chunk of pieces(content)) {
        sent += 1;
        yield chunk;
      }
    };
    await expect(images.receive(admin, 'disk', made.id, counted(), whole)).rejects.toMatchObject({ code: 'not-found' });
    expect(sent).toBe(1);
    expect(uploads()).toEqual([]);
  });

  it('that is deleted during its check is gone, with all of its files', async () => {
    const content = randomBytes(5120);
    const made = await images.create(admin, 'disk', announced(content));
    files.hooks.take = () => images.delete(admin, 'disk', made.id);
    await expect(images.receive(admin, 'disk', made.id, pieces(content), whole)).rejects.toMatchObject({ code: 'not-found' });
    expect(uploads()).toEqual([]);
    await expect(images.get(admin, 'disk', made.id)).rejects.toMatchObject({ code: 'not-found' });
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
    expect(uploads()).toEqual([]);
    await expect(images.get(admin, 'disk', disk.id)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('is not deleted while a reservation that is not over names it', async () => {
    const content = randomBytes(3000);
    const disk = await images.create(admin, 'disk', announced(content));
    await images.receive(admin, 'disk', disk.id, pieces(content), whole);
    const { reservations } = rig.unit.read;
    const reservation = sampleReservation({ imageId: disk.id, state: 'no-show', sentence: '2 machines for CL II, Mon 10:00 to 12:00.' });
    await reservations.insert(reservation);
    await expect(images.delete(admin, 'disk', disk.id)).rejects.toMatchObject({ code: 'in-use', message: `Ubuntu (${disk.friendlyId}) cannot be deleted: reservation 2 machines for CL II, Mon 10:00 to 12:00 is for it. Cancel or release the reservations first, or wait until they are over.` });
    await reservations.change(reservation.id, 'no-show', { state: 'expired' });
    await images.delete(admin, 'disk', disk.id);
  });

  it('of an absurd size, or with defaults that are not there, is refused with field and limit', async () => {
    const content = randomBytes(10);
    await expect(images.create(admin, 'disk', announced(content, { sizeBytes: 100_001 }))).rejects.toMatchObject({ code: 'invalid-input', detail: { field: 'sizeBytes', limit: 'at most 100000 bytes' } });
    const site = files.compose(rig.unit, rig.clock, 2 * 1024 ** 3).images;
    expect((await refusal(site.create(admin, 'disk', announced(content, { sizeBytes: 2.5 * 1024 ** 3 })))).message).toBe('The file has 2.5 GiB, 512 MiB more than the 2.0 GiB that this site takes at most. Shrink it, or ask an administrator to raise uploads.maxGiB in the master’s configuration.');
    const disk = await images.create(admin, 'disk', announced(content));
    await expect(images.create(admin, 'disk', announced(content, { defaultKernelId: disk.id }))).rejects.toMatchObject({ detail: { field: 'defaultKernelId' } });
    for (const sizeBytes of [0, -1, 1.5, 1e30]) expect(createImageBody.safeParse({ name: 'x', format: 'raw', sizeBytes, sha256: 'a'.repeat(64) }).success).toBe(false);
  });
});
