import { parseJson } from '@paravcl/shared/parse-json';
import fc from 'fast-check';
import { setImmediate as others } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { withGuest } from '../core/joined-guests';
import type { RoundInputs } from '../core/replay';
import { rules, running, slave, waiting } from '../core/small-world.model';
import type { SlaveView } from '../core/snapshot';
import { TransactionRun } from '../repositories/transaction-run';
import { canonicalJson } from './canonical-json';
import { InputsChain, longestChainMs, type InputsAside } from './inputs-chain';
import { KeptInputs } from './kept-inputs';

const minuteMs = 60_000;
const throughJson = (inputs: RoundInputs): unknown => parseJson(canonicalJson(inputs));

const bodyOf = (body: Buffer): Record<string, unknown> => parseJson(gunzipSync(body).toString()) as Record<string, unknown>;

/** The table of inputs, in which those of some policies cannot be written. Some writes take longer than others. */
class Table {
  readonly rows = new Map<string, { readonly body: Buffer; readonly keptAt: number }>();
  reads = 0;
  private writes = 0;
  private readonly heldBack = new Map<string, Promise<unknown>>();

  constructor(private readonly failing: readonly string[] = []) {}

  /** Writes of this policy last until what is answered is called. */
  holdBack(policy: string): () => void {
    let letGo: () => void = () => undefined;
    this.heldBack.set(policy, new Promise<void>((resolve) => (letGo = resolve)));
    return letGo;
  }

  async keepInputs(hash: string, body: Buffer, keptAt: number): Promise<void> {
    for (let turns = ((this.writes += 1) * 7) % 5; turns > 0; turns -= 1) await others();
    const { policy } = bodyOf(body);
    await this.heldBack.get(String(policy));
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

test('inputs given at the same time lead from one to the next, in the order in which they were given', async () => {
  const table = new Table();
  const chain = new InputsChain(table);
  const pool = poolOf(100);
  const hashes = await Promise.all(Array.from({ length: 5 }, (_, at) => chain.keep(round(pool, { at }))));
  expect(hashes.map((hash) => table.row(hash)['after'])).toEqual([undefined, ...hashes.slice(0, -1)]);
});

test('what was given after a write that failed is kept from a keyframe on', async () => {
  const table = new Table(['one']);
  const chain = new InputsChain(table);
  const pool = poolOf(100);
  const answers = await Promise.allSettled(['none', 'one', 'two', 'three'].map((policy) => chain.keep(round(pool, { policy }))));
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  const [, , third, fourth] = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : ''));
  expect(Object.keys(table.row(third ?? ''))).toContain('snapshot');
  expect(table.row(fourth ?? '')['after']).toBe(third);
});

describe('a keyframe comes again', () => {
  const isKeyframe = async (chain: InputsChain, table: Table, inputs: RoundInputs): Promise<boolean> => !('after' in table.row(await chain.keep(inputs)));

  it('after an hour', async () => {
    const table = new Table();
    const chain = new InputsChain(table);
    const pool = poolOf(100);
    const kept: boolean[] = [];
    for (const at of [0, longestChainMs / 2, longestChainMs + 1, longestChainMs + 2]) kept.push(await isKeyframe(chain, table, round(pool, { at })));
    expect(kept).toEqual([true, false, true, false]);
  });

  it('beside the steps once they are many, and before the next where they are too many', async () => {
    const table = new Table();
    const chain = new InputsChain(table, 8);
    const pool = poolOf(40);
    const given = Array.from({ length: 60 }, (_, at) => round(joinedBy(pool, at), { at }));
    const hashes: string[] = [];
    for (const inputs of given) hashes.push(await chain.keep(inputs));
    await chain.idle();
    expect(table.rows.size).toBe(hashes.length);
    expect(hashes.filter((hash) => !('after' in table.row(hash))).length).toBeGreaterThan(4);
    const kept = new KeptInputs(table);
    for (const [index, hash] of [...hashes.entries()].filter(([at]) => at % 7 === 0)) expect(await kept.of(hash)).toEqual(throughJson(given[index] as RoundInputs));
    // All at once: nothing is made beside them in time.
    const many = await Promise.all(given.map((inputs) => chain.keep({ ...inputs, at: inputs.at + 1000 })));
    for (const hash of many) {
      let steps = 0;
      for (let from: unknown = hash; typeof from === 'string'; from = table.row(from)['after']) steps += 1;
      expect(steps).toBeLessThanOrEqual(4 * 8 + 1);
    }
  });

  it('once the steps hold as much as the pool', async () => {
    const table = new Table();
    const chain = new InputsChain(table);
    for (let at = 0; at < 20; at += 1) await chain.keep(round(poolOf(4).map((view, index) => (index === 0 ? { ...view, poolAvailableMiB: at } : view)), { at }));
    await chain.idle();
    expect([...table.rows.keys()].filter((hash) => !('after' in table.row(hash))).length).toBeGreaterThanOrEqual(3);
  });
});

test('a step that could not be written is led back to by nothing, also where one before it was told whole meanwhile', async () => {
  const table = new Table(['lost']);
  const chain = new InputsChain(table, 1);
  const pool = poolOf(100);
  await chain.keep(round(pool));
  const letGo = table.holdBack('lost');
  const renewed = chain.keep(round(joinedBy(pool, 1), { at: 1 }));
  const lost = chain.keep(round(joinedBy(pool, 2), { at: 2, policy: 'lost' })).catch(String);
  const whole = await renewed;
  while ('after' in table.row(whole)) await others();
  await others();
  letGo();
  expect(await lost).toBe('Error: lost cannot be written.');
  expect(await chain.aside(round(pool, { at: 3 }))).toBeNull();
  const next = round(pool, { at: 4 });
  expect(await new KeptInputs(table).of(await chain.keep(next))).toEqual(throughJson(next));
});

test('inputs that cannot be told stop nobody behind them', async () => {
  const table = new Table();
  const chain = new InputsChain(table);
  const pool = poolOf(100);
  const answers = await Promise.allSettled(['none', 1n as unknown as string, 'two'].map((policy) => chain.keep(round(pool, { policy }))));
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

describe('inputs that are written in a transaction of their decision', () => {
  /** What a transaction writes before it is over. */
  const within = (): { readonly table: Table; readonly run: TransactionRun; readonly repositories: Parameters<InputsAside['write']>[0] } => {
    const [table, run] = [new Table(), new TransactionRun()];
    return { table, run, repositories: { decisions: table as unknown as Parameters<InputsAside['write']>[0]['decisions'], run } };
  };
  const written = async (chain: InputsChain, inputs: RoundInputs, { repositories }: ReturnType<typeof within>): Promise<string> => {
    const aside = await chain.aside(inputs);
    await aside?.write(repositories);
    return aside?.hash ?? '';
  };

  it('lead back to what is kept, and nothing to them until they are committed', async () => {
    const table = new Table();
    const chain = new InputsChain(table);
    const pool = poolOf(100);
    const kept = await chain.keep(round(pool));
    const [undone, there] = [within(), within()];
    const lost = await written(chain, round(joinedBy(pool, 1), { at: 1 }), undone);
    const second = await written(chain, round(joinedBy(pool, 2), { at: 2 }), there);
    expect([undone.table.row(lost)['after'], there.table.row(second)['after']]).toEqual([kept, kept]);
    undone.run.ended(false);
    expect(table.row(await chain.keep(round(pool, { at: 3 })))['after']).toBe(kept);
  });

  it('are what the next lead back to once they are committed', async () => {
    const table = new Table();
    const chain = new InputsChain(table);
    const pool = poolOf(100);
    await chain.keep(round(pool));
    const transaction = within();
    const hash = await written(chain, round(joinedBy(pool, 1), { at: 1 }), transaction);
    transaction.run.ended(true);
    for (const [id, row] of transaction.table.rows) table.rows.set(id, row);
    const next = round(joinedBy(joinedBy(pool, 1), 2), { at: 2 });
    const after = await chain.keep(next);
    expect(table.row(after)['after']).toBe(hash);
    expect(await new KeptInputs(table).of(after)).toEqual(throughJson(next));
  });

  it('are none where the whole pool would have to be written, or others write just now', async () => {
    const table = new Table();
    const chain = new InputsChain(table);
    const pool = poolOf(100);
    expect(await chain.aside(round(pool))).toBeNull();
    const keyframe = chain.keep(round(pool));
    expect(await chain.aside(round(pool))).toBeNull();
    await keyframe;
    const step = chain.keep(round(pool, { at: 1 }));
    expect(await chain.aside(round(pool, { at: 2 }))).toBeNull();
    await step;
    expect(await chain.aside(round(pool, { at: 3 }))).not.toBeNull();
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
