import { createHash } from 'node:crypto';
import { readdirSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { importImageBody } from '@paravcl/shared/api/images';
import type { Principal } from '@paravcl/shared/domain/people';
import type { z } from 'zod';
import type { ImageRepositoryComposition } from '../../src/compose-image-repository';
import { eventually } from './eventually';
import { openImageFiles, someDisk, type ImageFiles } from './image-rig';
import { openRig, type Rig } from './instance-rig';
import { refusal } from './reservation-rig';

let rig: Rig;
let admin: Principal;
let files: ImageFiles;
let repository: ImageRepositoryComposition;
beforeEach(async () => {
  rig = await openRig();
  admin = await rig.person('admin', 'root-admin');
  files = await openImageFiles();
  repository = files.compose(rig.unit, rig.clock, 1_000_000);
});
afterEach(async () => {
  await repository.images.idle();
  await files.close();
  await rig.close();
});

const lay = (content: Buffer, name = 'disk.raw'): string => {
  const path = join(files.imports, name);
  writeFileSync(path, content);
  return path;
};
const bring = (path: string, facts: Partial<z.input<typeof importImageBody>> = {}) => repository.images.import(admin, importImageBody.parse({ path, name: 'Ubuntu', format: 'raw', ...facts }));
const read = async (id: string): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  for await (const piece of (await repository.contents.openRead(id, 0)).stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
};

describe('a file of the server', () => {
  it('is read in like an upload; size and SHA-256 are taken meanwhile, and the file stays', async () => {
    const content = someDisk(100);
    const path = lay(content);
    const made = await bring(path, { visibility: 'private', defaultVcpus: 2 });
    expect(made).toMatchObject({ state: 'ready', sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex'), contentBytes: content.length, production: true, version: 1, visibility: 'private', defaultVcpus: 2 });
    expect((await read(made.id)).equals(content)).toBe(true);
    expect(statSync(path).size).toBe(content.length);
    expect(readdirSync(files.directory)).toEqual([]);
    expect(await bring(lay(someDisk(1), 'kernel'), { kind: 'kernel', name: 'Linux' })).toMatchObject({ kind: 'kernel', reason: expect.stringContaining('bzImage') as string });
  });

  it('that is large goes on behind the answer, which shows how much of it has arrived', async () => {
    let goOn = (): void => undefined;
    files.hooks.receive = () => new Promise((resolve) => (goOn = resolve));
    const asked = bring(lay(someDisk(10)));
    await eventually('it is announced', async () => (await rig.unit.read.images.inState(['uploading'])).length === 1);
    rig.clock.advance(10_000);
    const made = await asked;
    expect(made).toMatchObject({ state: 'uploading', sha256: null, receivedBytes: 0, sizeBytes: 10_240 });
    const nothing = (async function* () { yield await Promise.resolve(Buffer.alloc(10_240)); })();
    expect(await refusal(repository.images.receive(admin, 'disk', made.id, nothing, { offset: 0, partial: false }))).toMatchObject({ code: 'conflict' });
    goOn();
    await repository.images.idle();
    expect(await repository.images.get(admin, 'disk', made.id)).toMatchObject({ state: 'ready', receivedBytes: 10_240, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
  });

  it('is copied again from its start after the master was killed', async () => {
    const content = someDisk(10);
    const path = lay(content);
    files.hooks.receive = () => Promise.reject(new Error('killed'));
    await expect(bring(path)).rejects.toThrow('killed');
    const [image] = await rig.unit.read.images.inState(['uploading']);
    expect(await repository.images.get(admin, 'disk', image?.id ?? '')).toMatchObject({ reason: expect.stringContaining('next start of the master tries once more') as string });
    writeFileSync(join(files.directory, `${image?.id ?? ''}.part`), 'half of it');
    files.hooks.receive = undefined;
    await files.restart();
    repository = files.compose(rig.unit, rig.clock, 1_000_000);
    await repository.images.recover();
    await repository.images.idle();
    expect(await repository.images.get(admin, 'disk', image?.id ?? '')).toMatchObject({ state: 'ready', reason: null, sizeBytes: content.length });
    expect((await read(image?.id ?? '')).equals(content)).toBe(true);
    expect(files.faults).toEqual([]);
  });

  it('that becomes shorter meanwhile is no image, and says so; one that was deleted meanwhile leaves nothing', async () => {
    const path = lay(someDisk(10));
    files.hooks.receive = () => {
      truncateSync(path, 5000);
      return Promise.resolve();
    };
    expect(await refusal(bring(path))).toMatchObject({ code: 'content-mismatch', message: expect.stringContaining('it has 5000 bytes, announced were 10240') as string });
    const [image] = await rig.unit.read.images.inState(['uploading']);
    expect(image?.reason).toMatch(/Delete the image and import it again/);
    await repository.images.delete(admin, 'disk', image?.id ?? '');

    files.hooks.receive = async () => {
      const [other] = await rig.unit.read.images.inState(['uploading']);
      await repository.images.delete(admin, 'disk', other?.id ?? '');
    };
    expect(await refusal(bring(lay(someDisk(10))))).toMatchObject({ code: 'not-found' });
    expect(readdirSync(files.directory)).toEqual([]);
  });

  it('that is none of the directory, too large, refused by its header, or a kernel in qcow2 is refused, and nothing is left', async () => {
    symlinkSync('/etc/passwd', join(files.imports, 'link'));
    for (const path of ['/etc/passwd', join(files.imports, '../images'), join(files.imports, 'link'), join(files.imports, 'nothing')]) expect(await refusal(bring(path))).toMatchObject({ code: 'invalid-input', field: 'path' });
    expect(await refusal(bring(lay(Buffer.alloc(1_000_001))))).toMatchObject({ code: 'invalid-input', field: 'sizeBytes' });
    expect(await refusal(bring(lay(someDisk(1)), { kind: 'kernel', format: 'qcow2' }))).toMatchObject({ code: 'invalid-input', field: 'format' });
    expect(await rig.unit.read.images.inState(['uploading', 'ready'])).toEqual([]);
    expect(await refusal(bring(lay(someDisk(1)), { format: 'qcow2' }))).toMatchObject({ code: 'invalid-input', field: 'content' });
    expect(readdirSync(files.directory)).toEqual([]);
  });
});
