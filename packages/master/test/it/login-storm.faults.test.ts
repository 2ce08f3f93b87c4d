import { newId } from '@paravcl/shared/ids';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { defaultCost, hashPassword } from '../../src/services/password-hash';
import { goodPassword, openTestSite, type TestSite } from './test-site';

/** DEFINITIONS, "Measuring": 250 logins in a minute. */
const logins = 250;
const allWithinMs = 60_000;
const otherRoutesP99Ms = 500;
const hashedAtOnce = 2;

let site: TestSite;
beforeAll(async () => {
  site = await openTestSite({ cost: defaultCost });
  const hash = await hashPassword(goodPassword, defaultCost);
  await site.database.db('users').insert(
    Array.from({ length: logins }, (_, n) => ({
      id: newId(Date.now()), name: `class${n}`, display_name: `Student ${n}`, role: 'student', password_hash: hash, ssh_public_keys: '[]', created_at: new Date(),
    })),
  );
}, 120_000);
afterAll(() => site.close());

/** Processor time of this process since it began, ms: neighbours on the machine make waiting longer, not this. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Processor time of one password now, two hashed at a time and nothing else done. */
async function bareHashCpuMs(): Promise<number> {
  const before = cpuMs();
  await Promise.all(
    [1, 2].map(async () => {
      for (let n = 0; n < 3; n += 1) await hashPassword(goodPassword, defaultCost);
    }),
  );
  return (cpuMs() - before) / 6;
}

const percentile = (values: readonly number[], share: number): number => [...values].sort((one, other) => one - other)[Math.floor(values.length * share)] ?? Number.NaN;

test('250 logins at once are all answered within a minute, and everything else goes on meanwhile', async () => {
  const bareBefore = await bareHashCpuMs();
  const loop = monitorEventLoopDelay({ resolution: 10 });
  const started = performance.now();
  const cpuBefore = cpuMs();
  let pending = true;
  loop.enable();
  const storm = Promise.all(
    Array.from({ length: logins }, async (_, n) => (await site.send('POST', '/sessions', { body: { name: `class${n}`, password: goodPassword, transport: 'bearer' } })).status),
  ).finally(() => (pending = false));

  const cheap: number[] = [];
  while (pending) {
    const sent = performance.now();
    expect((await site.send('GET', '/me', { as: site.people.student })).status).toBe(200);
    cheap.push(performance.now() - sent);
    await Promise.race([storm, pause(40)]);
  }
  const tookMs = performance.now() - started;
  const ownMs = Math.round((cpuMs() - cpuBefore) / hashedAtOnce);
  loop.disable();

  expect(await storm).toEqual(Array.from({ length: logins }, () => 201));
  const bareMs = Math.round((((bareBefore + (await bareHashCpuMs())) / 2) * logins) / hashedAtOnce);
  const figures = { tookMs: Math.round(tookMs), ownMs, bareMs, cheapP50Ms: percentile(cheap, 0.5), cheapP99Ms: percentile(cheap, 0.99), loopP99Ms: loop.percentile(99) / 1e6, samples: cheap.length };
  process.stderr.write(`login storm: ${JSON.stringify(figures)}\n`);
  expect(cheap.length).toBeGreaterThan(100);
  expect(figures.cheapP99Ms).toBeLessThanOrEqual(otherRoutesP99Ms);
  expect(figures.loopP99Ms).toBeLessThanOrEqual(otherRoutesP99Ms);
  // With the cores to itself it takes its own processor time, over two at once. A machine too slow to hash
  // 250 passwords in a minute is not the daemon's fault: there, what it adds to the bare hashing is judged.
  if (tookMs > allWithinMs) expect(ownMs).toBeLessThanOrEqual(Math.max(allWithinMs, bareMs * 1.3));
}, 400_000);
