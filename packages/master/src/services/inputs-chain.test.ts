import { parseJson } from '@paravcl/shared/parse-json';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { setImmediate as others } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { withGuest } from '../core/joined-guests';
import type { RoundInputs } from '../core/replay';
import { rules, running, slave, waiting } from '../core/small-world.model';
import type { SlaveView } from '../core/snapshot';
import { canonicalJson } from './canonical-json';
import { InputsChain, longestChainMs } from './inputs-chain';
import { KeptInputs } from './kept-inputs';

const minuteMs = 60_000;
const throughJson = (inputs: RoundInputs): unknown => parseJson(canonicalJson(inputs));

const bodyOf = (body: Buffer): Record<string, unknown> => parseJson(gunzipSync(body).toString()) as Record<string, unknown>;

/** The table of inputs, in which those of some policies cannot be written. Some writes take longer than others. */
class Table {
  readonly rows = new Map<string, { readonly body: Buffer; readonly keptAt: number }>();
  reads = 0;
  private writes = 0;
  constructor(private readonly failing: readonly string[] = []) {}

  async keepInputs(hash: string, body: Buffer, keptAt: number): Promise<void> {
    for (let turns = ((this.writes += 1) * 7) % 5; turns > 0; turns -= 1) await others();
    const { policy } = bodyOf(body);
    if (this.failing.includes(String(policy))) throw new Error(`${String(policy)} cannot be written.`);
    // As the table does: what is there under its hash stays.
    this.rows.set(hash, { body: this.rows.get(hash)?.body ?? body, keptAt });
  }

  tellInputsAnew(hash: string, body: Buffer): Promise<void> {
    const keptAt = this.rows.get(hash)?.keptAt ?? 0;
    this.rows.set(hash, { body, keptAt });
    return Promise.resolve();
  }

  inputs(hash: string): Promise<Buffer | null> {
    this.reads += 1;
    return Promise.resolve(this.rows.get(hash)?.body ?? null);
  }

  /** What stands in the row itself. */
  row(hash: string): Record<string, unknown> {
    const { body } = this.rows.get(hash) ?? {};
    return body === undefined ? {} : bodyOf(body);
  }

  get bytes(): number {
    return [...this.rows.values()].reduce((sum, { body }) => sum + gunzipSync(body).length, 0);
  }
}

const poolOf = (size: number): readonly SlaveView[] => Array.from({ length: size }, (_, index) => slave(`slave-${String(index)}`, { running: [running(`guest-${String(index)}`, 1)] }));
const round = (slaves: readonly SlaveView[], facts: Partial<RoundInputs> = {}): RoundInputs => ({ at: 0, snapshot: { slaves, rules, lastPlacedOn: null }, waiting: [], policy: 'para/para', ...facts });
let guests = 0;
const joinedBy = (slaves: readonly SlaveView[], index: number): readonly SlaveView[] => slaves.map((view, at) => (at === index % slaves.length ? withGuest(view, running(`new-${String((guests += 1))}`, 2)) : view));

/** What becomes of a pool until the next round. */
const changes: Readonly<Record<string, (slaves: readonly SlaveView[], index: number) => readonly SlaveView[]>> = {
  nothing: (slaves) => slaves,
  'a guest joins': joinedBy,
  'two guests join': (slaves, index) => joinedBy(joinedBy(slaves, index), index),
  'a slave changes': (slaves, index) => slaves.map((view, at) => (at === index % slaves.length ? { ...view, poolAvailableMiB: index } : view)),
  'a slave that a guest joined changes': (slaves, index) => joinedBy(slaves, index).map((view, at) => (at === index % slaves.length ? { ...view, connected: !view.connected } : view)),
  'all are read anew': (slaves) => structuredClone(slaves) as readonly SlaveView[],
  'one goes': (slaves, index) => slaves.filter((_, at) => at !== index),
  'one comes': (slaves, index) => [...slaves, slave(`more-${String(index)}-${String((guests += 1))}`)],
  'they change places': (slaves) => slaves.toReversed(),
  'all change': (slaves, index) => slaves.map((view) => ({ ...view, saveMiBPerSecond: 1 + index })),
};

interface Next {
  readonly change: string;
  readonly index: number;
  readonly laterMs: number;
  readonly newRules: boolean;
  readonly waiters: number;
  /** Whether what was given so far is waited for first. */
  readonly settles: boolean;
}
const next: fc.Arbitrary<Next> = fc.record({
  change: fc.constantFrom(...Object.keys(changes), 'a guest joins', 'a guest joins', 'a guest joins'),
  index: fc.nat({ max: 11 }),
  laterMs: fc.constantFrom(0, 1000, 1000, -5000, 40 * minuteMs),
  newRules: fc.constantFrom(false, false, false, true),
  waiters: fc.nat({ max: 2 }),
  settles: fc.boolean(),
});

function roundsOf(steps: readonly Next[]): readonly RoundInputs[] {
  let [slaves, at, horizonMs] = [poolOf(10), 0, 0];
  return steps.map(({ change, index, laterMs, newRules, waiters }, number) => {
    slaves = changes[change]?.(slaves, index) ?? slaves;
    at += laterMs;
    if (newRules) horizonMs += 1;
    const snapshot = { slaves, rules: { ...rules, horizonMs }, lastPlacedOn: index % 2 === 0 ? null : `slave-${String(index)}` };
    return round(slaves, { at, snapshot, policy: String(number), waiting: Array.from({ length: waiters }, (_, one) => waiting(`waits-${String(one)}`, 1)) });
  });
}

test('whatever changes and whatever write fails, a hash that was answered tells the inputs as they were given', async () => {
  let steps = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(next, { minLength: 1, maxLength: 25 }), fc.array(fc.nat({ max: 24 }).map(String), { maxLength: 3 }), async (sequence, failing) => {
      const table = new Table(failing);
      const chain = new InputsChain(table);
      const given = roundsOf(sequence);
      const answers: Promise<string | null>[] = [];
      for (const [index, inputs] of given.entries()) {
        answers.push(chain.keep(inputs).then(async (hash) => {
          // Everything it leads back to is there by now.
          expect(await new KeptInputs(table).of(hash)).toEqual(throughJson(inputs));
          return hash;
        }, (error: unknown) => {
          expect(String(error)).toBe(`Error: ${String(index)} cannot be written.`);
          return null;
        }));
        if (sequence[index]?.settles === true) await Promise.all(answers);
      }
      const hashes = await Promise.all(answers);
      expect(hashes.map((hash) => hash === null)).toEqual(given.map(({ policy }) => failing.includes(policy)));
      // Read one after the other, either way, with what was put together before.
      for (const order of [[...hashes.keys()], [...hashes.keys()].reverse()]) {
        const kept = new KeptInputs(table);
        for (const index of order) {
          const [hash = null, inputs] = [hashes[index], given[index]];
          if (hash !== null && inputs !== undefined) expect(await kept.of(hash)).toEqual(throughJson(inputs));
        }
      }
      // What is deleted by age leaves what leads back to it no longer than a chain is.
      for (const [hash, { keptAt }] of table.rows) {
        const { after } = table.row(hash);
        if (typeof after !== 'string') continue;
        steps += 1;
        for (let from: unknown = after; typeof from === 'string'; from = table.row(from)['after']) {
          const before = table.rows.get(from)?.keptAt ?? keptAt;
          expect(before).toBeLessThanOrEqual(keptAt);
          expect(keptAt - before).toBeLessThanOrEqual(longestChainMs);
        }
      }
    }),
    { numRuns: 80 },
  );
  expect(steps).toBeGreaterThan(150);
}, 60_000);

test('a placement in a large pool costs its guest, and not its slave', async () => {
  const table = new Table();
  const chain = new InputsChain(table);
  const pool = poolOf(500);
  await chain.keep(round(pool));
  const keyframe = table.bytes;
  const hash = await chain.keep(round(joinedBy(pool, 7)));
  expect(table.bytes - keyframe).toBeLessThan(800);
  expect(Object.keys(table.row(hash))).not.toContain('rules');
});

test('inputs given at the same time lead back to what was kept before, and the next to what was kept last', async () => {
  const table = new Table();
  const chain = new InputsChain(table);
  const pool = poolOf(100);
  const [first, ...others] = await Promise.all(Array.from({ length: 4 }, (_, at) => chain.keep(round(pool, { at }))));
  // Of those that wait for the keyframe each goes on from it.
  expect(others.map((hash) => table.row(hash)['after'])).toEqual([first, first, first]);
  expect(others).toContain(table.row(await chain.keep(round(pool, { at: 9 })))['after']);
});

test('nothing leads back to what could not be written, and who waits for a keyframe that fails makes another', async () => {
  const table = new Table(['none', 'two']);
  const chain = new InputsChain(table);
  const pool = poolOf(100);
  const answers = await Promise.allSettled(['none', 'one', 'two', 'three'].map((policy) => chain.keep(round(pool, { policy }))));
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled']);
  const [, second, , fourth] = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : ''));
  expect(Object.keys(table.row(second ?? ''))).toContain('snapshot');
  expect(table.row(fourth ?? '')['after']).toBe(second);
});

test('what was given before one was told whole is not gone on with, for it leads past that', async () => {
  const table = new Table();
  const chain = new InputsChain(table, 1);
  const pool = poolOf(100);
  const keyframe = await chain.keep(round(pool));
  const past = await chain.step(round(joinedBy(pool, 2), { at: 2 }));
  const renewed = await chain.keep(round(joinedBy(pool, 1), { at: 1 }));
  if (past === null) throw new Error('The whole pool would have to be written.');
  await table.keepInputs(past.row.hash, past.row.body, past.row.keptAt);
  past.committed();
  await chain.idle();
  expect([table.row(past.row.hash)['after'], 'after' in table.row(renewed)]).toEqual([keyframe, false]);
  const next = await chain.keep(round(pool, { at: 4 }));
  expect(table.row(next)['after']).toBe(renewed);
});

test('one that was given before one was told whole, and is committed after it, does not undo that', async () => {
  const table = new Table();
  const chain = new InputsChain(table, 2);
  const pool = poolOf(100);
  await chain.keep(round(pool));
  await chain.keep(round(pool, { at: 1 }));
  const renewed = await chain.keep(round(pool, { at: 2 }));
  const underWay = await chain.step(round(pool, { at: 3 }));
  await chain.idle();
  if (underWay === null) throw new Error('The whole pool would have to be written.');
  await table.keepInputs(underWay.row.hash, underWay.row.body, underWay.row.keptAt);
  underWay.committed();
  await chain.idle();
  expect(['after' in table.row(renewed), table.row(underWay.row.hash)['after']]).toEqual([false, renewed]);
});

test('inputs that cannot be told stop nobody behind them', async () => {
  const table = new Table();
  const chain = new InputsChain(table);
  const pool = poolOf(100);
  const answers = await Promise.allSettled(['none', 1n as unknown as string, 'two'].map((policy) => chain.keep(round(pool, { policy }))));
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

describe('a step that its caller writes', () => {
  it('is led back to by nothing until it is committed, and by the next from then on', async () => {
    const table = new Table();
    const chain = new InputsChain(table);
    const pool = poolOf(100);
    const kept = await chain.keep(round(pool));
    const [undone, there] = [await chain.step(round(joinedBy(pool, 1), { at: 1 })), await chain.step(round(joinedBy(pool, 2), { at: 2 }))];
    if (undone === null || there === null) throw new Error('The whole pool would have to be written.');
    expect(table.row(await chain.keep(round(pool, { at: 3, policy: 'meanwhile' })))['after']).toBe(kept);
    await table.keepInputs(there.row.hash, there.row.body, there.row.keptAt);
    there.committed();
    const next = round(joinedBy(joinedBy(pool, 2), 3), { at: 4 });
    const after = await chain.keep(next);
    expect(table.row(after)['after']).toBe(there.row.hash);
    expect(await new KeptInputs(table).of(after)).toEqual(throughJson(next));
  });

  it('can be told once there is a keyframe, which is made once for all who ask for it', async () => {
    const table = new Table();
    const chain = new InputsChain(table);
    const pool = poolOf(100);
    await Promise.all([1, 2, 3].map((at) => chain.ready(at, () => round(pool, { at }))));
    expect(table.rows.size).toBe(1);
    expect(await chain.step(round(pool, { at: 4 }))).not.toBeNull();
    await chain.ready(5, () => round(pool, { at: 5 }));
    expect(table.rows.size).toBe(1);
    const later = longestChainMs + 6;
    expect(await chain.step(round(pool, { at: later }))).toBeNull();
    await chain.ready(later, () => round(pool, { at: later }));
    expect(await chain.step(round(pool, { at: later }))).not.toBeNull();
  });

  it('is none where the whole pool would have to be written, or much of it', async () => {
    const table = new Table();
    const chain = new InputsChain(table);
    const pool = poolOf(1000);
    expect(await chain.step(round(pool))).toBeNull();
    await chain.keep(round(pool));
    expect(await chain.step(round(joinedBy(pool, 1)))).not.toBeNull();
    const other = pool.map((view, index) => ({ ...view, cpuModel: createHash('sha512').update(String(index)).digest('hex') }) as SlaveView);
    expect(await chain.step(round(other))).toBeNull();
    expect(await new KeptInputs(table).of(await chain.keep(round(other)))).toEqual(throughJson(round(other)));
  });
});

test('rounds that are read one after the other cost one row each', async () => {
  const table = new Table();
  const chain = new InputsChain(table);
  let pool = poolOf(100);
  const hashes: string[] = [];
  for (let at = 0; at < 200; at += 1) hashes.push(await chain.keep(round((pool = joinedBy(pool, at)), { at })));
  const kept = new KeptInputs(table);
  for (const hash of hashes) await kept.of(hash);
  expect(table.reads).toBe(200);
});

test('inputs whose keyframe is gone, or one between, are not kept any more', async () => {
  const table = new Table();
  const chain = new InputsChain(table);
  const pool = poolOf(100);
  const [first = '', second = '', third = ''] = [await chain.keep(round(pool)), await chain.keep(round(pool, { at: 1 })), await chain.keep(round(pool, { at: 2 }))];
  table.rows.delete(second);
  expect(await new KeptInputs(table).of(third)).toBeNull();
  expect(await new KeptInputs(table).of(first)).not.toBeNull();
});
