import pino from 'pino';
import { HandClock } from '../../test/fixtures/hand-clock';
import { LosingDisk } from '../../test/fixtures/losing-disk';
import { HonestSource, imageOf, testContent } from '../../test/fixtures/test-image';
import { imageExport, readExportName } from './image-export';
import { MirrorLibrary } from './image-library';

const image = imageOf(testContent(4096, 1, { chunkBytes: 4096 }), 4096);

test('an image is held until its reader ended, and whoever waits for that end is told of it', async () => {
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
  const ended = jest.fn();
  const recorded = { read: jest.fn(), end: jest.fn() };
  const opened = imageExport(await library.open(image.id), recorded, ended);
  expect([library.readers, ended.mock.calls.length, recorded.end.mock.calls.length]).toEqual([1, 0, 0]);
  opened.release();
  expect([library.readers, ended.mock.calls.length, recorded.end.mock.calls.length]).toEqual([0, 1, 1]);
});

test('an export is named by its image, and by the instance whose reads are written down', () => {
  const instanceId = '0191a6e0-0000-7000-8000-000000000001';
  expect(readExportName(image.id)).toEqual({ manifest: image.id, instanceId: null });
  expect(readExportName(`${image.id}.${instanceId}`)).toEqual({ manifest: image.id, instanceId });
  for (const none of ['', image.id.slice(1), `${image.id}.`, `${image.id}.it`, `../${image.id}`]) expect(readExportName(none)).toBeNull();
});
