import { newId } from '@paravcl/shared/ids';
import type { Command, CommandOrder, CommandResult, FrozenDisk } from '@paravcl/shared/protocol/commands';
import { frozenDisksSchema, sentDiskSchema } from '@paravcl/shared/protocol/commands';
import type { InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import { parseJson } from '@paravcl/shared/parse-json';
import pino from 'pino';
import { HandClock, turn } from '../../test/fixtures/hand-clock';
import { UnknownSnapshotError, type DiskDelta, type DiskSnapshots, type DiskToFreeze } from '../disks/disk-snapshots';
import { DiskStoreError } from '../disks/disk-store';
import type { UploadLimits } from '../link/delta-upload';
import { Commands, type CommandParts } from './commands';
import { InstanceHolds } from './instance-holds';
import type { Journal } from './journal';
import type { JournalRecord } from './journal-record';
import { applyRecord, emptyJournal } from './journal-state';
import { SnapshotCommands } from './snapshot-commands';

const [first, second, third] = [newId(1), newId(2), newId(3)];
const [snapshotId, imageId, ramImageId, base] = [newId(4), newId(5), newId(7), 'a'.repeat(64)];
const spec = (name: string): InstanceSpec => ({
  name, vcpus: 1, ramMiB: 128, diskMiB: 64, disk: { imageId: newId(6), sha256: 'b'.repeat(64), sizeBytes: 1, format: 'raw' }, kernel: null, ramdisk: null, kernelArguments: '',
  mac: '00:16:3e:00:00:01', address: '10.77.0.10', bandwidthMbps: null, seed: { hostname: name, user: 'student', sshPublicKeys: [] },
});
const delta: DiskDelta = { path: '/delta', sizeBytes: 1000, sha256: 'c'.repeat(64), dirtiedBytes: 800 };
const wish = (instanceId: string, generation = 2) => ({ instanceId, generation, bases: [base] });

/** Something that goes on until the test says how it ends. */
class Pending<T> {
  private settle: { readonly resolve: (value: T) => void; readonly reject: (error: Error) => void } | null = null;
  readonly promise = new Promise<T>((resolve, reject) => (this.settle = { resolve, reject }));

  async ok(value: T): Promise<void> {
    this.settle?.resolve(value);
    await turn();
  }

  async fails(error: Error): Promise<void> {
    this.settle?.reject(error);
    await turn();
  }
}

/** Disks that answer when the test says so; unless told, freezing and ending are done at once. */
class Rig {
  readonly clock = new HandClock();
  readonly done: string[] = [];
  readonly results = new Map<string, CommandResult['outcome'][]>();
  readonly uploads: { readonly imageId: string; readonly limits: UploadLimits; readonly end: Pending<void> }[] = [];
  /** While set, freezing lasts until it ends. */
  freezing: Pending<void> | null = null;
  makesDelta: () => Promise<DiskDelta> = () => Promise.resolve(delta);
  private readonly rounds = new Set<string>();
  private readonly journal = {
    state: emptyJournal,
    append: (...records: JournalRecord[]) => {
      this.journal.state = records.reduce(applyRecord, this.journal.state);
      return Promise.resolve();
    },
  };
  private readonly holds = new InstanceHolds({
    clock: this.clock,
    isInRound: (instanceId) => this.rounds.has(instanceId),
    doing: () => 'its memory is being saved',
    beginRound: () => false,
  });
  private readonly disks: DiskSnapshots = {
    recover: () => Promise.reject(new Error('the agent does that at its start')),
    freeze: async (id: string, disks: readonly DiskToFreeze[]): Promise<readonly FrozenDisk[]> => {
      expect(id).toBe(snapshotId);
      this.done.push(`freeze ${disks.map((disk) => disk.spec.name).join(' ')}`);
      await this.freezing?.promise;
      return disks.map(({ instanceId }) => ({ instanceId, ok: true, how: 'running', quiesced: false, base, sizeBytes: 4096 }));
    },
    delta: (id, instanceId, what) => {
      expect(id).toBe(snapshotId);
      this.done.push(what === 'ram' ? `RAM of ${this.nameOf(instanceId)}` : `delta ${this.nameOf(instanceId)}`);
      return this.makesDelta();
    },
    end: (id, instanceId, manifest) => {
      expect(id).toBe(snapshotId);
      this.done.push(`end ${this.nameOf(instanceId)} ${manifest === null ? 'given up' : 'taken'}`);
      return Promise.resolve();
    },
  };
  private commands = this.agent();

  constructor() {
    for (const [instanceId, name] of [[first, 'i-one'], [second, 'i-two'], [third, 'i-three']] as const) this.want(instanceId, name);
  }

  /** As after kill -9: the agent knows what its journal says. */
  restart(): void {
    this.commands = this.agent();
  }

  want(instanceId: string, name: string, generation = 2): void {
    void this.journal.append({ kind: 'desired', desired: { instanceId, generation, desired: 'running', spec: spec(name) } });
  }

  remove(instanceId: string, generation = 3): void {
    void this.journal.append({ kind: 'desired', desired: { instanceId, generation, desired: 'deleted', spec: null } });
  }

  forget(instanceId: string): void {
    this.remove(instanceId);
    void this.journal.append({ kind: 'forgotten', instanceId, generation: 3 });
  }

  /** A round of it goes on until `roundEnds`. */
  roundBegins(instanceId: string): void {
    this.rounds.add(instanceId);
  }

  async roundEnds(instanceId: string): Promise<void> {
    this.rounds.delete(instanceId);
    this.holds.roundEnded(instanceId);
    await turn();
  }

  async order(command: Command, further: Partial<CommandOrder> = {}): Promise<string> {
    const commandId = further.commandId ?? newId(this.clock.now());
    void this.commands.carryOut({ generation: null, deadlineMs: 60_000, ...further, commandId, command });
    await turn();
    return commandId;
  }

  send(instanceId = first, further: Partial<CommandOrder> = {}): Promise<string> {
    return this.order({ kind: 'send-disk', snapshotId, instanceId, imageId }, further);
  }

  sendRam(instanceId = first): Promise<string> {
    return this.order({ kind: 'send-disk', snapshotId, instanceId, imageId: ramImageId, what: 'ram' });
  }

  end(instanceId = first, manifest: string | null = base): Promise<string> {
    return this.order({ kind: 'end-snapshot', snapshotId, instanceId, manifest });
  }

  freezeAll(...instanceIds: readonly string[]): Promise<string> {
    return this.order({ kind: 'freeze-disks', snapshotId, disks: instanceIds.map((instanceId) => wish(instanceId)) });
  }

  /** The only answer to a command; null while there is none. */
  outcome(commandId: string): CommandResult['outcome'] | null {
    const all = this.results.get(commandId) ?? [];
    expect(all.length).toBeLessThanOrEqual(1);
    return all[0] ?? null;
  }

  frozen(commandId: string): readonly FrozenDisk[] {
    const outcome = this.outcome(commandId);
    if (outcome?.ok !== true) throw new Error(`not frozen: ${JSON.stringify(outcome)}`);
    return frozenDisksSchema.parse(parseJson(outcome.body ?? ''));
  }

  private nameOf(instanceId: string): string {
    return { [first]: 'i-one', [second]: 'i-two', [third]: 'i-three' }[instanceId] ?? instanceId;
  }

  private agent(): Commands {
    const unasked = new Proxy({}, { get: (_, name) => () => Promise.reject(new Error(`${String(name)} is not asked here`)) });
    return new Commands({
      clock: this.clock,
      log: pino({ level: 'silent' }),
      journal: this.journal as unknown as Journal,
      driver: unasked as CommandParts['driver'],
      store: unasked as CommandParts['store'],
      snapshots: new SnapshotCommands({
        clock: this.clock,
        journal: this.journal as unknown as Journal,
        snapshots: this.disks,
        upload: {
          send: (id, what, limits) => {
            expect(what).toBe(delta);
            const end = new Pending<void>();
            limits.signal.addEventListener('abort', () => void end.fails(limits.signal.reason as Error));
            this.uploads.push({ imageId: id, limits, end });
            return end.promise;
          },
        },
        hold: (...held) => this.holds.hold(...held),
      }),
      homes: unasked as CommandParts['homes'],
      streams: unasked as CommandParts['streams'],
      describeNow: () => Promise.reject(new Error('not asked here')),
      send: ({ commandId, outcome }) => void this.results.set(commandId, [...(this.results.get(commandId) ?? []), outcome]),
    });
  }
}

let rig: Rig;
beforeEach(() => (rig = new Rig()));

describe('freeze-disks', () => {
  test('freezes all in one call, and answers in the order asked', async () => {
    const id = await rig.freezeAll(second, first);
    expect(rig.done).toEqual(['freeze i-two i-one']);
    expect(rig.frozen(id)).toEqual([second, first].map((instanceId) => ({ instanceId, ok: true, how: 'running', quiesced: false, base, sizeBytes: 4096 })));
  });

  test('who is unknown, older than what is known, or being deleted is refused with a sentence, and keeps none of the others', async () => {
    const stranger = newId(9);
    rig.remove(third);
    const id = await rig.order({ kind: 'freeze-disks', snapshotId, disks: [wish(stranger), wish(first), wish(second, 1), wish(third, 3)] });
    expect(rig.done).toEqual(['freeze i-one']);
    expect(rig.frozen(id)).toEqual([
      { instanceId: stranger, ok: false, message: `This host knows no instance ${stranger}.` },
      expect.objectContaining({ instanceId: first, ok: true }),
      { instanceId: second, ok: false, message: 'Something else was asked of it meanwhile (generation 1, by now 2): ask again.' },
      { instanceId: third, ok: false, message: `Instance ${third} is being deleted: nothing of its disk is kept.` },
    ]);
  });

  test('one that is busy for long is answered with what goes on, and the others are frozen after 20 s', async () => {
    rig.roundBegins(first);
    const id = await rig.freezeAll(first, second);
    await rig.clock.advance(19_999);
    expect(rig.done).toEqual([]);
    await rig.clock.advance(1);
    expect(rig.done).toEqual(['freeze i-two']);
    expect(rig.frozen(id)).toEqual([
      { instanceId: first, ok: false, message: 'i-one could not be frozen now: its memory is being saved. Ask again when that is over.' },
      expect.objectContaining({ instanceId: second, ok: true }),
    ]);
  });

  test('an order that came while it waited is what it is judged by', async () => {
    rig.roundBegins(first);
    const id = await rig.freezeAll(first);
    rig.remove(first);
    await rig.roundEnds(first);
    expect(rig.done).toEqual([]);
    expect(rig.frozen(id)).toMatchObject([{ ok: false, message: 'Something else was asked of it meanwhile (generation 2, by now 3): ask again.' }]);
  });

  test('asked again while it is under way it is done again afterwards, and finds nobody busy with the first', async () => {
    const freezing = new Pending<void>();
    rig.freezing = freezing;
    const one = await rig.freezeAll(first);
    const other = await rig.freezeAll(first);
    await rig.clock.advance(30_000);
    expect(rig.done).toEqual(['freeze i-one']);
    await freezing.ok();
    expect(rig.done).toEqual(['freeze i-one', 'freeze i-one']);
    expect([...rig.frozen(one), ...rig.frozen(other)]).toMatchObject([{ ok: true }, { ok: true }]);
  });

  test('past its deadline it is answered so, and what it froze is found when it is asked again', async () => {
    const freezing = new Pending<void>();
    rig.freezing = freezing;
    const late = await rig.order({ kind: 'freeze-disks', snapshotId, disks: [wish(first)] }, { deadlineMs: 1000 });
    await rig.clock.advance(1000);
    expect(rig.outcome(late)).toEqual({ ok: false, code: 'deadline', message: 'Not done within 1000 ms.' });
    await freezing.ok();
    rig.freezing = null;
    expect(rig.frozen(await rig.freezeAll(first))).toMatchObject([{ ok: true }]);
    expect(rig.outcome(late)).toMatchObject({ code: 'deadline' });
  });

  test('a freezing whose turn comes after the snapshot has ended freezes nothing', async () => {
    const freezing = new Pending<void>();
    rig.freezing = freezing;
    await rig.freezeAll(first);
    const late = await rig.freezeAll(first);
    await rig.end(first, null);
    expect(rig.done).toEqual(['freeze i-one']);
    await freezing.ok();
    expect(rig.done).toEqual(['freeze i-one', 'end i-one given up']);
    expect(rig.frozen(late)).toEqual([{ instanceId: first, ok: false, message: 'The snapshot has ended meanwhile.' }]);
  });
});

describe('send-disk', () => {
  test('makes the delta, sends it and says how large it is', async () => {
    const id = await rig.send();
    expect(rig.done).toEqual(['delta i-one']);
    expect(rig.uploads.map((upload) => upload.imageId)).toEqual([imageId]);
    expect(rig.outcome(id)).toBeNull();
    await rig.uploads[0]?.end.ok();
    const outcome = rig.outcome(id);
    expect(outcome?.ok === true && sentDiskSchema.parse(parseJson(outcome.body ?? ''))).toEqual({ deltaBytes: 1000, dirtiedBytes: 800 });
  });

  test('a second one for the same disk joins the upload under way; each has its own deadline', async () => {
    const one = await rig.send(first, { deadlineMs: 1000 });
    const other = await rig.send(first, { deadlineMs: 90_000 });
    await rig.clock.advance(1000);
    expect(rig.outcome(one)).toMatchObject({ ok: false, code: 'deadline' });
    expect(rig.uploads).toHaveLength(1);
    expect(rig.uploads[0]?.limits.deadlineMs()).toBe(90_000);
    await rig.uploads[0]?.end.ok();
    expect(rig.outcome(other)).toMatchObject({ ok: true });
    expect(rig.done).toEqual(['delta i-one']);
  });

  test('disk and RAM of one instance are sent each for itself', async () => {
    const [disk, ram] = [await rig.send(), await rig.sendRam()];
    await rig.sendRam();
    expect(rig.uploads.map((upload) => upload.imageId)).toEqual([imageId, ramImageId]);
    await rig.uploads[1]?.end.ok();
    expect([rig.outcome(disk), rig.outcome(ram)]).toMatchObject([null, { ok: true }]);
    await rig.uploads[0]?.end.ok();
    expect(rig.outcome(disk)).toMatchObject({ ok: true });
    expect(rig.done).toEqual(['delta i-one', 'RAM of i-one']);
  });

  test('RAM that is not here any more is told as stale', async () => {
    rig.makesDelta = () => Promise.reject(new UnknownSnapshotError('No RAM was kept.'));
    expect(rig.outcome(await rig.sendRam())).toEqual({ ok: false, code: 'stale', message: 'No RAM was kept.' });
  });

  test('the same command twice is answered once', async () => {
    const id = await rig.send();
    await rig.send(first, { commandId: id });
    await rig.uploads[0]?.end.ok();
    expect(rig.outcome(id)).toMatchObject({ ok: true });
  });

  test('after a restart of the agent one that is asked again is sent anew', async () => {
    await rig.send();
    rig.restart();
    const id = await rig.send();
    expect(rig.uploads).toHaveLength(2);
    await rig.uploads[1]?.end.ok();
    expect(rig.outcome(id)).toMatchObject({ ok: true });
  });

  test('two disks of a host are sent at once; the next has its turn when one has ended, well or badly', async () => {
    const [, , late] = [await rig.send(first), await rig.send(second), await rig.send(third)];
    expect(rig.uploads).toHaveLength(2);
    await rig.uploads[1]?.end.fails(new Error('The master has no room.'));
    expect(rig.uploads).toHaveLength(3);
    await rig.uploads[2]?.end.ok();
    expect(rig.outcome(late)).toMatchObject({ ok: true });
  });

  test('one whose turn comes when nobody waits any more begins nothing', async () => {
    for (const instanceId of [first, second]) await rig.send(instanceId);
    await rig.send(third, { deadlineMs: 1000 });
    await rig.clock.advance(1000);
    await rig.uploads[0]?.end.ok();
    expect(rig.uploads).toHaveLength(2);
    expect(rig.done).toEqual(['delta i-one', 'delta i-two']);
  });

  test('what the master refuses, and what the pool says, is passed on', async () => {
    const refused = await rig.send();
    await rig.uploads[0]?.end.fails(new Error('There is no room in /var/lib/paravcl on the master.'));
    expect(rig.outcome(refused)).toEqual({ ok: false, code: 'failed', message: 'There is no room in /var/lib/paravcl on the master.' });
    rig.makesDelta = () => Promise.reject(new DiskStoreError('no-room', 'The pool has 3 MiB free.'));
    expect(rig.outcome(await rig.send())).toEqual({ ok: false, code: 'failed', message: 'The pool has 3 MiB free.' });
  });

  test('of an instance that is not here nothing is sent', async () => {
    rig.forget(first);
    expect(rig.outcome(await rig.send())).toMatchObject({ ok: false, code: 'unknown-instance' });
    expect(rig.outcome(await rig.send(second, { generation: 1 }))).toMatchObject({ ok: false, code: 'stale' });
    expect(rig.done).toEqual([]);
  });

  test('the delta is made when no step of the instance is carried out, and the upload keeps nobody', async () => {
    rig.roundBegins(first);
    const id = await rig.send();
    expect(rig.done).toEqual([]);
    await rig.roundEnds(first);
    expect(rig.done).toEqual(['delta i-one']);
    // Another snapshot of it is frozen while the first is sent.
    expect(rig.frozen(await rig.freezeAll(first))).toMatchObject([{ ok: true }]);
    await rig.uploads[0]?.end.ok();
    expect(rig.outcome(id)).toMatchObject({ ok: true });
  });
});

describe('end-snapshot', () => {
  test('tells the disk how it ended, as often as it is asked', async () => {
    for (const manifest of [base, base, null]) expect(rig.outcome(await rig.end(first, manifest))).toEqual({ ok: true, body: null });
    expect(rig.done).toEqual(['end i-one taken', 'end i-one taken', 'end i-one given up']);
  });

  test('ends an upload under way first', async () => {
    const sending = await rig.send();
    expect(rig.outcome(await rig.end(first, null))).toEqual({ ok: true, body: null });
    expect(rig.outcome(sending)).toEqual({ ok: false, code: 'failed', message: 'The snapshot has ended, so its disk is not sent any more.' });
    expect(rig.done).toEqual(['delta i-one', 'end i-one given up']);
  });

  test('ends the upload of its RAM as well', async () => {
    const sendings = [await rig.send(), await rig.sendRam()];
    expect(rig.outcome(await rig.end(first, null))).toEqual({ ok: true, body: null });
    for (const sending of sendings) expect(rig.outcome(sending)).toMatchObject({ ok: false, code: 'failed' });
    expect(rig.done).toEqual(['delta i-one', 'RAM of i-one', 'end i-one given up']);
  });

  test('ends an upload whose turn has not come, without waiting for it', async () => {
    for (const instanceId of [first, second]) await rig.send(instanceId);
    const waiting = await rig.send(third);
    expect(rig.outcome(await rig.end(third, null))).toEqual({ ok: true, body: null });
    expect(rig.outcome(waiting)).toMatchObject({ ok: false, code: 'failed' });
    await rig.uploads[0]?.end.ok();
    expect(rig.uploads).toHaveLength(2);
    // Its place in the line is free again.
    await rig.send(first);
    expect(rig.uploads).toHaveLength(3);
  });

  test('waits for the round under way, and says what goes on when that lasts too long', async () => {
    rig.roundBegins(first);
    const id = await rig.order({ kind: 'end-snapshot', snapshotId, instanceId: first, manifest: null }, { deadlineMs: 30_000 });
    await rig.clock.advance(30_000);
    expect(rig.outcome(id)).toMatchObject({ ok: false });
    expect(rig.done).toEqual([]);
    await rig.roundEnds(first);
    expect(rig.done).toEqual([]);
  });

  test('of an instance that is not known any more ends quietly', async () => {
    rig.forget(first);
    expect(rig.outcome(await rig.end())).toEqual({ ok: true, body: null });
  });
});
