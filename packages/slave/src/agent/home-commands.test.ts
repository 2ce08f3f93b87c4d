import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyContent } from '@paravcl/shared/chunks/delta';
import { systemClock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import type { DesiredInstance } from '@paravcl/shared/protocol/desired-instance';
import { SimulatedHomeVolumes } from '../hypervisor/simulated/simulated-home-volumes';
import { HomeCommands } from './home-commands';
import type { Journal } from './journal';
import { emptyJournal, noInstance, type JournalState } from './journal-state';

const volumeId = newId(1);
const home = { volumeId, epoch: 2, sizeMiB: 8, disk: null };
let directory: string;
let state: JournalState;
let homes: SimulatedHomeVolumes;
let sent: string[];
let sending: { readonly ends: () => void; readonly fails: (error: Error) => void }[];
let commands: HomeCommands;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'home-commands-'));
  state = emptyJournal;
  [sent, sending] = [[], []];
  homes = new SimulatedHomeVolumes(directory);
  await homes.open();
  await homes.make(home);
  commands = new HomeCommands({
    clock: systemClock,
    journal: { get state() { return state; } } as unknown as Journal,
    homes,
    upload: {
      send: (imageId) => {
        sent.push(imageId);
        return new Promise((resolve, reject) => sending.push({ ends: resolve, fails: reject }));
      },
    },
  });
});
afterEach(() => rm(directory, { recursive: true }));

/** An instance whose order names the volume, of this epoch. */
function order(desired: Exclude<DesiredInstance['desired'], 'deleted'>, epoch: number): string {
  const spec = { name: 'i-one', ...(desired === 'stopped' ? {} : { home: { ...home, epoch } }) };
  const one = { instanceId: newId(3), generation: 1, desired, spec } as unknown as DesiredInstance;
  state = { ...emptyJournal, instances: new Map([[one.instanceId, { ...noInstance, desired: one, spec: one.spec }]]) };
  return one.instanceId;
}

const command = (more: { readonly epoch?: number; readonly savedWith?: string } = {}) => ({ kind: 'send-home' as const, volumeId, epoch: 2, imageId: newId(4), base: emptyContent, ...more });
const begun = async (count: number): Promise<void> => {
  while (sending.length < count) await new Promise((resolve) => setImmediate(resolve));
};

test('asked twice, it is sent once, and both hear what came of it', async () => {
  const asked = command();
  const [first, second] = [commands.send(asked, 1000), commands.send(asked, 1000)];
  await begun(1);
  sending[0]?.ends();
  expect(await first).toEqual({ deltaBytes: expect.any(Number) as number, dirtiedBytes: 0 });
  expect(await second).toEqual(await first);
  expect(sent).toEqual([asked.imageId]);
});

test('what is not here of that epoch is answered with null, at once', async () => {
  expect(await commands.send(command({ epoch: 1 }), 1000)).toBeNull();
  expect(sent).toEqual([]);
});

test.each(['running', 'suspended', 'sent', 'received'] as const)('what an instance is to be %s with is neither sent nor removed; one that is to be off has none', async (desired) => {
  order(desired, 2);
  await expect(commands.send(command(), 1000)).rejects.toThrow(`i-one is to be ${desired} here with that home volume`);
  await expect(commands.drop({ kind: 'drop-home', volumeId, epoch: 2 })).rejects.toThrow('i-one is to be');
  // A later attachment of it has nothing to do with what is dropped.
  order(desired, 3);
  await commands.drop({ kind: 'drop-home', volumeId, epoch: 2 });
  expect(homes.epochs()).toEqual({});
});

test('what a saved instance has open is sent when that leaves with it, and is not removed; one that is to run again is not named in vain', async () => {
  const savedWith = order('suspended', 2);
  await expect(commands.send(command({ savedWith: newId(5) }), 1000)).rejects.toThrow('i-one is to be suspended here');
  const done = commands.send(command({ savedWith }), 1000);
  await begun(1);
  sending[0]?.ends();
  expect(await done).toMatchObject({ dirtiedBytes: 0 });
  await expect(commands.drop({ kind: 'drop-home', volumeId, epoch: 2 })).rejects.toThrow('i-one is to be suspended here');
  order('running', 2);
  await expect(commands.send(command({ savedWith }), 1000)).rejects.toThrow('i-one is to be running here');
});

test('a guest that still writes refuses both; stopped, both are done', async () => {
  order('stopped', 2);
  homes.written.add(volumeId);
  await expect(commands.send(command(), 1000)).rejects.toThrow('writes home volume');
  await expect(commands.drop({ kind: 'drop-home', volumeId, epoch: 2 })).rejects.toThrow('writes home volume');
  homes.written.clear();
  const done = commands.send(command(), 1000);
  await begun(1);
  sending[0]?.fails(new Error('The link is down.'));
  await expect(done).rejects.toThrow('The link is down.');
  await commands.drop({ kind: 'drop-home', volumeId, epoch: 2 });
  expect(homes.epochs()).toEqual({});
});
