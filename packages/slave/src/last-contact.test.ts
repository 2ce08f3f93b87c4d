import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@paravcl/shared/clock';
import { LastContact } from './last-contact';

let directory: string;
let file: string;
let timers: { readonly delayMs: number; readonly run: () => void }[];
const clock: Clock = {
  now: () => 0,
  monotonicMs: () => 0,
  after: (delayMs, run) => {
    const timer = { delayMs, run };
    timers.push(timer);
    return () => { timers = timers.filter((other) => other !== timer); };
  },
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'paravcl-contact-'));
  file = join(directory, 'last-contact');
  timers = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Lets a minute pass and waits until the next one is being waited for. */
async function minute(): Promise<void> {
  const [timer] = timers.splice(0);
  expect(timer?.delayMs).toBe(60_000);
  timer?.run();
  while (timers.length === 0) await new Promise((resolve) => setImmediate(resolve));
}

it('keeps the time of the last contact for whoever looks later, once a minute and at the end', async () => {
  let heardAt: number | null = null;
  const contact = new LastContact(file, clock, () => heardAt);
  contact.start();
  await minute();
  expect(await LastContact.read(file)).toBeNull();
  heardAt = 1_760_000_000_123;
  await minute();
  expect(await LastContact.read(file)).toBe(1_760_000_000_123);
  heardAt = 1_760_000_009_000;
  await contact.stop();
  expect(await LastContact.read(file)).toBe(1_760_000_009_000);
  expect(timers).toEqual([]);
});

it('goes on when the file cannot be written', async () => {
  const contact = new LastContact(join(directory, 'missing/last-contact'), clock, () => 1000);
  contact.start();
  await minute();
  await contact.stop();
});

it('reads nothing from a file that holds no time', async () => {
  writeFileSync(file, '{}');
  expect(await LastContact.read(file)).toBeNull();
});
