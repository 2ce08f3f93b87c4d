import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import type { CommandOrder, CommandResult } from '@paravcl/shared/protocol/commands';
import pino from 'pino';
import { SimulatedDiskStore } from '../hypervisor/simulated/simulated-disk-store';
import { SimulatedDriver } from '../hypervisor/simulated/simulated-driver';
import { commandEffects, Commands } from './commands';
import { Journal } from './journal';

const log = pino({ level: 'silent' });
let directory: string;
let journal: Journal;
let sent: CommandResult[];
let described: number;

const unasked = (): Promise<never> => Promise.reject(new Error('no snapshot and no stream is asked for here'));

/** No kind has effects yet; `describe` stands for one that has. */
function commands(): Commands {
  const parts = {
    clock: systemClock,
    log,
    journal,
    driver: new SimulatedDriver({ slaveId: newId(1), clock: systemClock }),
    store: new SimulatedDiskStore({ clock: systemClock }),
    snapshots: { freeze: unasked, send: unasked, end: unasked },
    homes: { send: unasked, drop: unasked },
    streams: { join: unasked },
    describeNow: () => {
      described += 1;
      return Promise.resolve();
    },
    send: (result: CommandResult) => void sent.push(result),
  };
  return new Commands(parts, { ...commandEffects, describe: true });
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'commands-'));
  journal = await Journal.open(directory, log);
  sent = [];
  described = 0;
});
afterEach(async () => {
  await journal.close();
  await rm(directory, { recursive: true });
});

test('a command with effects is carried out once, however often it comes, and answered until the answer is stored', async () => {
  const order: CommandOrder = { commandId: newId(2), generation: null, deadlineMs: 5000, command: { kind: 'describe' } };
  const done = { commandId: order.commandId, outcome: { ok: true, body: null } };
  const first = commands();
  await Promise.all([first.carryOut(order), first.carryOut(order)]);
  await first.carryOut(order);
  expect(sent).toEqual([done, done]);
  await journal.close();
  journal = await Journal.open(directory, log);
  const restarted = commands();
  restarted.resendAll();
  await restarted.carryOut(order);
  expect(sent).toEqual([done, done, done, done]);
  expect(described).toBe(1);
  await restarted.stored(order.commandId);
  expect(journal.state.results.size).toBe(0);
});
