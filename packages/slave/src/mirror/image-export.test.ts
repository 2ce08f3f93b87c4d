import pino from 'pino';
import { HandClock } from '../../test/fixtures/hand-clock';
import { LosingDisk } from '../../test/fixtures/losing-disk';
import { HonestSource, imageOf, testContent } from '../../test/fixtures/test-image';
import { imageExport, readExportName } from './image-export';
import { MirrorLibrary } from './image-library';

const image = imageOf(testContent(4096, 1, { chunkBytes: 4096 }), 4096);

test('an image is held until its reader ended, and who follows it is told what it reads and of that end', async () => {
  const library = await MirrorLibrary.open({
    files: new LosingDisk(),
    poolDir: '/pool',
    bootId: 'boot',
    clock: new HandClock(),
    log: pino({ level: 'silent' }),
    source: new HonestSource(image),
    reserveMiB: 1,
    cacheMiB: null,
    imageCacheDays: 30,
  });
  const followers = [{ read: jest.fn(), end: jest.fn() }, { read: jest.fn(), end: jest.fn() }];
  const opened = imageExport(await library.open(image.id), followers);
  opened.noteRead(4000, 200);
  expect([library.readers, ...followers.map(({ read, end }) => [read.mock.calls, end.mock.calls.length])]).toEqual([1, [[[0, 1]], 0], [[[0, 1]], 0]]);
  opened.release();
  expect([library.readers, ...followers.map(({ end }) => end.mock.calls.length)]).toEqual([0, 1, 1]);
});

test('an export is named by its image, and by the instance whose reads are written down', () => {
  const instanceId = '0191a6e0-0000-7000-8000-000000000001';
  expect(readExportName(image.id)).toEqual({ manifest: image.id, instanceId: null });
  expect(readExportName(`${image.id}.${instanceId}`)).toEqual({ manifest: image.id, instanceId });
  for (const none of ['', image.id.slice(1), `${image.id}.`, `${image.id}.it`, `../${image.id}`]) expect(readExportName(none)).toBeNull();
});
