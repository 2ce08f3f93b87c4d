import { HandClock } from '../../test/fixtures/hand-clock';
import { AnswerWatch } from './answer-watch';

/** Lets time pass in steps, so that an answer is heard before the next timer. */
async function pass(clock: HandClock, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 500) {
    await clock.advance(500);
    await new Promise(setImmediate);
  }
}

let clock: HandClock;
let answers: () => Promise<unknown>;
let told: string[];
let watch: AnswerWatch;

beforeEach(() => {
  clock = new HandClock();
  told = [];
  answers = () => Promise.resolve();
  const at = (what: string): number => told.push(`${what} at ${clock.monotonicMs() / 1000} s`);
  watch = new AnswerWatch(clock, () => answers(), (error) => at(`silent (${error instanceof Error ? error.message : 'no answer'})`), () => at('answers'));
});
afterEach(() => watch.stop());

it('says nothing while the hypervisor answers', async () => {
  watch.start();
  await pass(clock, 60_000);
  expect(told).toEqual([]);
});

it('calls a hung hypervisor silent ten seconds after its last answer, once, and hears the late answer itself', async () => {
  watch.start();
  await pass(clock, 3500);
  let asked = 0;
  let wakeUp: () => void = () => undefined;
  answers = () => {
    asked += 1;
    return new Promise<void>((resolve) => (wakeUp = resolve));
  };
  await pass(clock, 60_000);
  expect([told, asked]).toEqual([['silent (no answer) at 13.5 s'], 1]);
  answers = () => Promise.resolve();
  wakeUp();
  await new Promise(setImmediate);
  expect(told).toEqual(['silent (no answer) at 13.5 s', 'answers at 63.5 s']);
});

it('does not take a restart of the daemon for silence', async () => {
  watch.start();
  await pass(clock, 3500);
  answers = () => Promise.reject(new Error('connection refused'));
  await pass(clock, 8000);
  answers = () => Promise.resolve();
  await pass(clock, 60_000);
  expect(told).toEqual([]);
});

it('tells why a dead one does not answer, asks every second, and notices its return within that', async () => {
  answers = () => Promise.reject(new Error('connection refused'));
  watch.start();
  await pass(clock, 20_000);
  expect(told).toEqual(['silent (connection refused) at 10 s']);
  answers = () => Promise.resolve();
  await pass(clock, 1000);
  expect(told[1]).toBe('answers at 20.5 s');
});

it('asks nothing more when it is stopped', async () => {
  watch.start();
  watch.stop();
  await pass(clock, 60_000);
  expect([told, clock.waiting]).toEqual([[], []]);
});
