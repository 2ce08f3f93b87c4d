import type { Recording } from '@paravcl/shared/chunks/access-pattern';
import { manifestOf } from '@paravcl/shared/chunks/manifest';
import { HandClock } from '../../test/fixtures/hand-clock';
import { ReadRecorder } from './read-recorder';

const image = { id: 'a'.repeat(64), manifest: manifestOf({ chunkBytes: 4096, sizeBytes: 100 * 4096 }, Buffer.alloc(100 * 32, 1)), isZero: (index: number) => index === 7 };
const minuteMs = 60_000;

function recorder(earlier: readonly string[] = []): { readonly clock: HandClock; readonly recorder: ReadRecorder; readonly finished: [string, string, Recording][] } {
  const clock = new HandClock();
  const finished: [string, string, Recording][] = [];
  return { clock, finished, recorder: new ReadRecorder({ clock, earlier, finished: (...recording) => finished.push(recording) }) };
}

test('each chunk stands once, where it was first read, in the order of first reads', async () => {
  const { clock, recorder: it, finished } = recorder();
  const reader = it.begin(image, 'one');
  reader?.read(5, 8);
  reader?.read(2, 5);
  it.phase('one', 'application');
  reader?.read(8, 9);
  it.phase('one', 'boot');
  reader?.read(20, 20);
  it.phase('one', 'shutdown');
  reader?.read(20, 21);
  expect(finished).toEqual([]);
  reader?.end();
  expect(finished).toEqual([[image.id, 'one', { boot: [5, 6, 8, 2, 3, 4], application: [9, 20], shutdown: [21] }]]);
  await clock.advance(60 * minuteMs);
  expect(finished).toHaveLength(1);
  expect(clock.waiting).toEqual([]);
});

test('it is handed on ten minutes after the boot ended, although the guest goes on', async () => {
  const { clock, recorder: it, finished } = recorder();
  const reader = it.begin(image, 'one');
  reader?.read(1, 1);
  await clock.advance(5 * minuteMs);
  it.phase('one', 'application');
  await clock.advance(10 * minuteMs - 1);
  expect(finished).toHaveLength(0);
  await clock.advance(1);
  expect(finished).toEqual([[image.id, 'one', { boot: [1], application: [], shutdown: [] }]]);
  reader?.read(2, 2);
  it.phase('one', 'shutdown');
  reader?.end();
  expect(finished).toHaveLength(1);
});

test('it is handed on once when the guest takes long to end', async () => {
  const { clock, recorder: it, finished } = recorder();
  const reader = it.begin(image, 'one');
  reader?.read(1, 1);
  it.phase('one', 'application');
  await clock.advance(10 * minuteMs - 1);
  it.phase('one', 'shutdown');
  await clock.advance(minuteMs);
  expect(finished).toEqual([]);
  reader?.read(2, 2);
  reader?.end();
  expect(finished).toEqual([[image.id, 'one', { boot: [1], application: [], shutdown: [2] }]]);
});

test('several connections of one instance make one recording', () => {
  const { recorder: it, finished } = recorder();
  const [one, other] = [it.begin(image, 'one'), it.begin(image, 'one')];
  one?.read(1, 1);
  other?.read(2, 2);
  it.phase('one', 'application');
  it.phase('one', 'shutdown');
  one?.end();
  expect(finished).toHaveLength(0);
  other?.end();
  expect(finished).toEqual([[image.id, 'one', { boot: [1, 2], application: [], shutdown: [] }]]);
});

test('an instance that was here before the mirror started, and a second boot, are not recorded', () => {
  const { recorder: it, finished } = recorder(['earlier']);
  expect(it.begin(image, 'earlier')).toBeNull();
  const reader = it.begin(image, 'one');
  reader?.read(1, 1);
  it.phase('one', 'application');
  it.phase('one', 'shutdown');
  reader?.end();
  expect(finished).toHaveLength(1);
  expect(it.begin(image, 'one')).toBeNull();
});

test('a boot that did not end is handed to nobody', async () => {
  const { clock, recorder: it, finished } = recorder();
  const [stopped, endless] = [it.begin(image, 'stopped'), it.begin(image, 'endless')];
  stopped?.read(1, 1);
  endless?.read(1, 1);
  it.phase('stopped', 'shutdown');
  stopped?.end();
  await clock.advance(30 * minuteMs);
  it.phase('endless', 'application');
  await clock.advance(30 * minuteMs);
  expect(finished).toEqual([]);
  expect(clock.waiting).toEqual([]);
});

test('no more than so many are recorded at a time', () => {
  const { recorder: it } = recorder();
  const readers = Array.from({ length: 100 }, (_, at) => it.begin(image, `instance ${at}`));
  expect(readers.filter((reader) => reader !== null)).toHaveLength(64);
});
