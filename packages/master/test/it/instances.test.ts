import type { Principal } from '@paravcl/shared/domain/people';
import { observedStateSchema } from '@paravcl/shared/domain/instance-state';
import { newId } from '@paravcl/shared/ids';
import { DeadlineJob } from '../../src/jobs/deadline-job';
import { lostAfterMs, openRig, settings, type Rig } from './instance-rig';

describe('an instance', () => {
  let rig: Rig;
  let alice: Principal;
  let imageId: string;

  beforeEach(async () => {
    rig = await openRig();
    alice = await rig.person('student', 'alice');
    imageId = await rig.image();
  });
  afterEach(async () => {
    expect(rig.faults).toEqual([]);
    await rig.close();
  });

  const launch = async (): Promise<string> => {
    const { instance } = await rig.instances.create(alice, { imageId });
    await rig.scheduler.idle();
    return instance.id;
  };
  const running = async (): Promise<string> => {
    const id = await launch();
    await rig.report(id, 'preparing');
    await rig.report(id, 'booting');
    await rig.report(id, 'running');
    return id;
  };
  const state = async (id: string): Promise<string> => (await rig.instances.get(alice, id)).observed;

  it('is launched, saved, resumed, stopped, started and deleted, and its operations say how it goes', async () => {
    const lab = await rig.slave('lab-1');
    const { instance, operation } = await rig.instances.create(alice, { imageId, vcpus: 2, ramMiB: 512 });
    await rig.scheduler.idle();
    const { id } = instance;
    expect(instance.name).toMatch(/^i-ubuntu-[0-9a-f]{3}$/);
    expect(rig.agents.last(id)).toMatchObject({ slaveId: lab, desired: { desired: 'running', generation: 2, spec: { vcpus: 2, ramMiB: 512, diskMiB: 64, mac: instance.mac } } });
    await rig.report(id, 'preparing', { progressPercent: 38 });
    expect((await rig.operations.get(alice, operation.id)).sentence).toBe('preparing on lab-1: image 38 %');
    await rig.report(id, 'booting');
    await rig.report(id, 'running');
    expect(await rig.operations.get(alice, operation.id)).toMatchObject({ state: 'done', sentence: `${instance.name} runs on lab-1 at ${String(instance.address)}.` });

    for (const [verb, passing, end] of [
      ['suspend', 'suspending', 'suspended'],
      ['resume', 'resuming', 'running'],
      ['stop', 'stopping', 'stopped'],
      ['start', 'booting', 'running'],
    ] as const) {
      const asked = await rig.instances.operate(alice, id, { verb });
      expect(asked.operation.state).toBe('pending');
      // What is to run again is for the scheduler to say.
      await rig.scheduler.idle();
      expect(rig.agents.last(id).desired.generation).toBe((await rig.instances.get(alice, id)).generation);
      await rig.report(id, passing);
      await rig.report(id, end);
      expect(await rig.operations.get(alice, asked.operation.id)).toMatchObject({ state: 'done', kind: `instance.${verb}` });
    }

    const gone = await rig.instances.operate(alice, id, { verb: 'delete' });
    expect(rig.agents.last(id).desired).toMatchObject({ desired: 'deleted', spec: null });
    expect((await rig.unit.read.addresses.taken()).size).toBe(1);
    await rig.report(id, 'deleted');
    expect(await rig.operations.get(alice, gone.operation.id)).toMatchObject({ state: 'done' });
    expect(await rig.instances.get(alice, id)).toMatchObject({ observed: 'deleted', mac: null, address: null });
    expect((await rig.unit.read.addresses.taken()).size).toBe(0);
    expect(rig.agents.forgotten).toEqual([{ slaveId: lab, instanceId: id, generation: gone.instance.generation }]);
    expect((await rig.unit.read.placements.usage()).size).toBe(0);

    const history = await rig.instances.history(alice, id, { limit: 200 });
    expect(history.items.at(-1)).toMatchObject({ from: null, to: 'requested', by: 'user alice' });
    expect(history.items[0]).toMatchObject({ to: 'deleted', by: 'host lab-1' });
  });

  it('goes to the next slave when one fails to launch it, and fails with every reason when none is left', async () => {
    const first = await rig.slave('lab-1');
    const second = await rig.slave('lab-2');
    const { instance, operation } = await rig.instances.create(alice, { imageId });
    await rig.scheduler.idle();
    expect(rig.agents.last(instance.id).slaveId).toBe(first);
    await rig.report(instance.id, 'failed', { reason: { code: 'LaunchFailed', sentence: 'QEMU would not start.' } });

    const tombstone = rig.agents.pushes.find(({ slaveId, desired }) => slaveId === first && desired.desired === 'deleted');
    expect(tombstone?.desired.generation).toBe(3);
    expect(rig.agents.last(instance.id)).toMatchObject({ slaveId: second, desired: { desired: 'running', generation: 4 } });

    await rig.report(instance.id, 'failed', { reason: { code: 'NotEnoughDisk', sentence: 'The disk is full.' } });
    expect(await rig.instances.get(alice, instance.id)).toMatchObject({
      observed: 'failed',
      slaveId: null,
      reason: { code: 'NotEnoughDisk', sentence: expect.stringContaining('Tried lab-1: QEMU would not start.; lab-2: The disk is full.') as string },
    });
    expect(await rig.operations.get(alice, operation.id)).toMatchObject({ state: 'failed' });

    // Both slaves prove that nothing remains; then it may be tried again, everywhere.
    for (const slaveId of [first, second]) {
      const owed = rig.agents.pushes.filter((push) => push.slaveId === slaveId && push.desired.desired === 'deleted').at(-1);
      await rig.observations.observed(slaveId, [{ instanceId: instance.id, generation: owed?.desired.generation ?? 0, state: 'deleted', reason: null, progressPercent: null }]);
    }
    expect((await rig.unit.read.placements.usage()).size).toBe(0);
    await rig.instances.operate(alice, instance.id, { verb: 'start' });
    await rig.scheduler.idle();
    expect(rig.agents.last(instance.id)).toMatchObject({ slaveId: first, desired: { desired: 'running' } });
  });

  it('whose image is corrupt is tried once elsewhere and no more', async () => {
    for (const name of ['lab-1', 'lab-2', 'lab-3']) await rig.slave(name);
    const id = await launch();
    const corrupt = { reason: { code: 'ImageCorrupt' as const, sentence: 'Its SHA-256 is wrong.' } };
    await rig.report(id, 'failed', corrupt);
    await rig.report(id, 'failed', corrupt);
    expect(await rig.instances.get(alice, id)).toMatchObject({ observed: 'failed', reason: { code: 'ImageCorrupt' } });
  });

  it('that has run is never placed elsewhere when it fails', async () => {
    const lab = await rig.slave('lab-1');
    await rig.slave('lab-2');
    const id = await running();
    await rig.report(id, 'failed', { reason: { code: 'DiskError', sentence: 'The disk of lab-1 is broken.' } });
    expect(await rig.instances.get(alice, id)).toMatchObject({ observed: 'failed', slaveId: lab, desired: 'running' });
  });

  it('ignores reports of an older generation and of a slave that does not hold it', async () => {
    const lab = await rig.slave('lab-1');
    const other = await rig.slave('lab-2', { cores: 1 });
    const id = await running();
    await rig.instances.operate(alice, id, { verb: 'suspend' });
    await rig.observations.observed(lab, [{ instanceId: id, generation: 2, state: 'stopped', reason: null, progressPercent: null }]);
    expect(await state(id)).toBe('running');

    await rig.observations.observed(other, [{ instanceId: id, generation: 1, state: 'stopped', reason: null, progressPercent: null }]);
    expect(await state(id)).toBe('running');
    expect(rig.agents.pushes.filter(({ slaveId }) => slaveId === other)).toEqual([]);
  });

  it('found again where it was taken away is cleaned away, under a generation that nobody was told before', async () => {
    const first = await rig.slave('lab-1');
    const second = await rig.slave('lab-2');
    const id = await launch();
    await rig.report(id, 'failed');
    const told = (): number[] => rig.agents.pushes.filter(({ desired }) => desired.instanceId === id).map(({ desired }) => desired.generation);
    const gone = { instanceId: id, generation: 3, state: 'deleted' as const, reason: null, progressPercent: null };
    await rig.observations.observed(first, [gone]);
    await rig.observations.observed(first, [{ ...gone, generation: 2, state: 'stopped' }]);
    expect(rig.agents.pushes.at(-1)).toMatchObject({ slaveId: first, desired: { desired: 'deleted', generation: 5 } });
    // The instance itself stayed at 4, so its next wish must not be another 5.
    await rig.observations.observed(second, [{ instanceId: id, generation: 4, state: 'running', reason: null, progressPercent: null }]);
    await rig.instances.operate(alice, id, { verb: 'suspend' });
    expect(rig.agents.last(id).desired).toMatchObject({ desired: 'suspended', generation: 6 });
    expect(new Set(told()).size).toBe(told().length);
  });

  it('that ran on after the backup a master was restored from is never taken away', async () => {
    const lab = await rig.slave('lab-1', { connected: false });
    const other = await rig.slave('lab-2');
    // In the books it still waits, or runs elsewhere; both have long been placed on lab-1.
    const elsewhere = await running();
    await rig.observations.connected(lab, [{ instanceId: elsewhere, generation: 7, state: 'running', reason: null, progressPercent: null }], true);
    expect(rig.agents.pushes.filter(({ desired }) => desired.desired === 'deleted')).toEqual([]);
    const events = (await rig.database.db('events').where({ kind: 'slave.unknown-instance' }).select('sentence')) as { sentence: string }[];
    expect(events.map(({ sentence }) => sentence)).toEqual([expect.stringContaining('old backup')]);

    // Its own slave obeys a newer generation than the books know: they take over from there.
    await rig.observations.observed(other, [{ instanceId: elsewhere, generation: 9, state: 'suspended', reason: null, progressPercent: null }]);
    expect(rig.agents.last(elsewhere)).toMatchObject({ slaveId: other, desired: { desired: 'running', generation: 10 } });
    await rig.report(elsewhere, 'resuming');
    expect(await state(elsewhere)).toBe('resuming');
    expect(await rig.database.db('events').where({ kind: 'slave.newer-generation' })).toHaveLength(1);
  });

  it('whose host restarted is prepared again, and tried on when that fails for now', async () => {
    await rig.slave('lab-1');
    const id = await running();
    await rig.report(id, 'preparing');
    expect(await state(id)).toBe('preparing');
    await rig.report(id, 'stopped', { reason: { code: 'LaunchFailed', sentence: 'The disk is busy. Its disk is kept.' } });
    expect(await rig.instances.get(alice, id)).toMatchObject({ observed: 'stopped', desired: 'running', reason: { code: 'LaunchFailed' } });
    await rig.report(id, 'running');
    expect(await state(id)).toBe('running');
    expect(rig.impossible).toEqual([]);
  });

  it('reported in a state that cannot be is left as it is, and that is told', async () => {
    await rig.slave('lab-1');
    const id = await running();
    await rig.database.db('instances').where({ id }).update({ observed: 'queued' });
    await rig.report(id, 'running');
    expect(await state(id)).toBe('queued');
    expect(rig.impossible).toEqual([{ slave: 'lab-1', instance: id, from: 'queued', to: 'running', generation: 2 }]);
  });

  it('keeps no other from its slave when it cannot be placed, told or read', async () => {
    const lab = await rig.slave('lab-1');
    const other = await rig.image();
    const lost = await rig.instances.create(alice, { imageId: other });
    await rig.scheduler.idle();
    await rig.scheduler.stop();
    await rig.database.db('images').where({ id: other }).delete();
    const full = await rig.instances.create(alice, { imageId });
    await rig.database.db('instances').where({ id: full.instance.id }).update({ generation: 2 ** 31 - 1 });
    const good = await rig.instances.create(alice, { imageId });

    const after = rig.compose();
    await after.scheduler.idle();
    expect(rig.agents.last(good.instance.id).slaveId).toBe(lab);
    rig.agents.pushes.length = 0;
    await after.resend.run();
    expect(rig.agents.pushes.map(({ desired }) => desired.instanceId)).toEqual([good.instance.id]);
    const huge = { instanceId: lost.instance.id, generation: 2 ** 33, state: 'running' as const, reason: null, progressPercent: null };
    const seen = { instanceId: good.instance.id, generation: 2, state: 'booting' as const, reason: null, progressPercent: null };
    expect((await after.observations.connected(lab, [huge, seen], true)).map(({ instanceId }) => instanceId)).toEqual([good.instance.id]);
    expect(await state(good.instance.id)).toBe('booting');
    await after.scheduler.stop();
    expect(rig.faults.length).toBeGreaterThanOrEqual(4);
    rig.faults.length = 0;
  });

  it('that a hello named and that could not be written for now is asked for again, and no other is kept waiting', async () => {
    const lab = await rig.slave('lab-1');
    const ids = [await launch(), await launch()];
    const named = ids.map((instanceId) => ({ instanceId, generation: 2, state: 'booting' as const, reason: null, progressPercent: null }));
    // As with a full disk: the server takes the value and cannot keep it.
    const fault = "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1021, MESSAGE_TEXT = 'Disk full'";
    await rig.database.db.raw(`CREATE TRIGGER full BEFORE UPDATE ON instances FOR EACH ROW IF NEW.id = '${ids[0] ?? ''}' THEN ${fault}; END IF`);
    await expect(rig.observations.connected(lab, named, true)).rejects.toMatchObject({ errno: 1021 });
    await rig.database.db.raw('DROP TRIGGER full');
    expect([await state(ids[0] ?? ''), await state(ids[1] ?? '')]).toEqual(['preparing', 'booting']);
    await rig.observations.connected(lab, named, true);
    expect(await state(ids[0] ?? '')).toBe('booting');
  });

  it('with failures longer than a sentence may be is given up like any other', async () => {
    for (const name of ['lab-1', 'lab-2', 'lab-3']) await rig.slave(name);
    const id = await launch();
    for (let attempt = 0; attempt < 2; attempt++) await rig.report(id, 'failed', { reason: { code: 'ImageCorrupt', sentence: 'x'.repeat(1000) } });
    expect(await state(id)).toBe('failed');
    expect((await rig.instances.get(alice, id)).reason?.sentence).toHaveLength(1000);
  });

  it('that this master never made is left alone, and people are told once', async () => {
    const lab = await rig.slave('lab-1');
    const stranger = { instanceId: newId(rig.clock.now()), generation: 4, state: 'running' as const, reason: null, progressPercent: null };
    await rig.observations.connected(lab, [stranger], true);
    await rig.observations.observed(lab, [stranger]);
    expect(rig.agents.pushes).toEqual([]);
    const events = (await rig.database.db('events').where({ kind: 'slave.unknown-instance' })) as unknown[];
    expect(events).toHaveLength(1);
  });

  it('that is to be deleted is called failed by no deadline of the state in which that was asked', async () => {
    await rig.slave('lab-1');
    const id = await launch();
    const { operation } = await rig.instances.operate(alice, id, { verb: 'delete' });
    rig.clock.advance(60 * 60_000);
    await rig.deadlines.run();
    expect((await rig.operations.get(alice, operation.id)).state).toBe('pending');
    await rig.report(id, 'deleted');
    expect(await rig.operations.get(alice, operation.id)).toMatchObject({ state: 'done' });
  });

  it('that switched itself off stays off', async () => {
    await rig.slave('lab-1');
    const id = await running();
    await rig.report(id, 'stopped');
    expect(await rig.instances.get(alice, id)).toMatchObject({ observed: 'stopped', desired: 'stopped', reason: { code: 'StoppedByGuest' } });
    await rig.report(id, 'stopped');
    expect((await rig.instances.get(alice, id)).reason?.code).toBe('StoppedByGuest');
    const started = await rig.instances.operate(alice, id, { verb: 'start' });
    // There is room, and it does not wait.
    expect(started.operation).toMatchObject({ state: 'pending', sentence: `looking for room for ${started.instance.name} on lab-1, where its disk is` });
    // The state before the start is not a second power-off.
    await rig.report(id, 'stopped');
    await rig.report(id, 'booting');
    await rig.report(id, 'running');
    expect((await rig.operations.get(alice, started.operation.id)).state).toBe('done');
  });

  it('that its slave came back without, and has after all under an older order, is told the newest one', async () => {
    const lab = await rig.slave('lab-1');
    const id = await running();
    const { generation: old } = rig.agents.last(id).desired;
    rig.agents.connected.delete(lab);
    const { operation } = await rig.instances.operate(alice, id, { verb: 'stop' });
    rig.agents.connected.add(lab);
    expect(await rig.observations.connected(lab, [], true)).toEqual([]);
    expect(await rig.instances.get(alice, id)).toMatchObject({ observed: 'lost', desired: 'stopped', reason: { code: 'DomainLost' } });
    expect(await rig.operations.get(alice, operation.id)).toMatchObject({ state: 'failed', sentence: expect.stringContaining('came back without') as string });
    const { generation } = (await rig.unit.read.instances.find(id)) ?? { generation: 0 };
    const late = { instanceId: id, generation: old, state: 'running', reason: null, progressPercent: null } as const;
    await rig.observations.observed(lab, [late]);
    expect(rig.agents.last(id)).toMatchObject({ slaveId: lab, desired: { desired: 'stopped', generation } });
    expect(await rig.observations.connected(lab, [late], true)).toMatchObject([{ instanceId: id, desired: 'stopped', generation }]);
    await rig.observations.observed(lab, [{ ...late, generation, state: 'stopped' }]);
    expect(await rig.instances.get(alice, id)).toMatchObject({ observed: 'stopped', desired: 'stopped' });
  });

  it('that is off when it is to be saved says why for as long as it is off, and its owner is told', async () => {
    await rig.slave('lab-1');
    const id = await running();
    const { operation } = await rig.instances.operate(alice, id, { verb: 'suspend' });
    const reason = { code: 'StoppedByGuest', sentence: 'The guest crashed. Its disk is kept; start it again when you like.' } as const;
    await rig.report(id, 'stopped', { reason });
    expect(await rig.operations.get(alice, operation.id)).toMatchObject({ state: 'superseded', sentence: expect.stringContaining(reason.sentence) as string });
    // What crashed is taken down, so that its next start finds it off.
    for (const on of ['stopped', 'stopping', 'stopped'] as const) {
      await rig.report(id, on);
      expect(await rig.instances.get(alice, id)).toMatchObject({ observed: on, desired: 'stopped', reason });
    }
    const { name } = await rig.instances.get(alice, id);
    expect(await rig.database.db('notices').where({ subject_id: id }).select('kind', 'sentence')).toEqual([
      { kind: 'instance.went-off', sentence: `${name} was to be saved on lab-1 and is off, without what was open. ${reason.sentence}` },
    ]);
  });

  it('on a slave that falls silent is lost, says what it waits for, and takes the state the slave comes back with', async () => {
    const lab = await rig.slave('lab-1');
    const id = await running();
    rig.agents.connected.delete(lab);
    await rig.unit.read.slaves.moveLiveness(lab, 'online', 'suspect');
    expect(await rig.instances.get(alice, id)).toMatchObject({
      observed: 'running',
      reason: { code: 'SlaveOffline', sentence: expect.stringMatching(/^lab-1 is offline since Mon 09:00\. When it was last heard i-ubuntu-\w+ ran there, and probably does still; nothing is started elsewhere\.$/) as string },
    });
    const asked = await rig.instances.operate(alice, id, { verb: 'suspend' });
    expect(asked.instance.reason).toEqual({ code: 'SlaveOffline', sentence: expect.stringMatching(/^lab-1 is offline since Mon 09:00\. i-ubuntu-\w+ is saved as soon as it is back\.$/) as string });
    await rig.unit.read.slaves.moveLiveness(lab, 'suspect', 'lost');
    await rig.observations.fleetChanged(lab);
    expect(await state(id)).toBe('lost');
    expect((await rig.operations.get(alice, asked.operation.id)).sentence).toContain('lab-1 is offline since');

    await rig.unit.read.slaves.moveLiveness(lab, 'lost', 'online');
    rig.agents.connected.add(lab);
    const told = await rig.observations.connected(lab, [{ instanceId: id, generation: 2, state: 'running', reason: null, progressPercent: null }], true);
    expect(told).toEqual([expect.objectContaining({ instanceId: id, desired: 'suspended', generation: asked.instance.generation })]);
    await rig.observations.observed(lab, [{ instanceId: id, generation: asked.instance.generation, state: 'suspended', reason: null, progressPercent: null }]);
    expect(await state(id)).toBe('suspended');
    expect((await rig.operations.get(alice, asked.operation.id)).state).toBe('done');
  });

  it('whose domain is gone when its slave returns is not made anew until somebody asks', async () => {
    const lab = await rig.slave('lab-1');
    const id = await running();
    expect(await rig.observations.connected(lab, [], true)).toEqual([]);
    expect(await rig.instances.get(alice, id)).toMatchObject({ observed: 'lost', reason: { code: 'DomainLost' } });
    const before = rig.agents.pushes.length;
    await rig.resend.run();
    expect(rig.agents.pushes).toHaveLength(before);
    await rig.instances.operate(alice, id, { verb: 'start' });
    expect(rig.agents.last(id).desired).toMatchObject({ desired: 'running' });
  });

  it('whose push was lost between commit and send is told again by hello and by the resend job', async () => {
    const lab = await rig.slave('lab-1');
    const push = jest.spyOn(rig.agents, 'pushDesired').mockImplementation(() => undefined);
    const id = await launch();
    push.mockRestore();
    expect(await state(id)).toBe('preparing');

    const after = rig.compose();
    await after.resend.run();
    expect(rig.agents.last(id)).toMatchObject({ slaveId: lab, desired: { desired: 'running', generation: 2 } });
    expect(await after.observations.connected(lab, [], true)).toEqual([expect.objectContaining({ instanceId: id, generation: 2 })]);
    await after.scheduler.stop();
  });

  it('that was written but not placed when the master died is placed by the next one', async () => {
    await rig.scheduler.stop();
    const { instance } = await rig.instances.create(alice, { imageId });
    const lab = await rig.slave('lab-1');
    const after = rig.compose();
    await after.scheduler.idle();
    expect(rig.agents.last(instance.id).slaveId).toBe(lab);
    await after.scheduler.stop();
  });

  it('past its deadline is failed with what is desired kept, and a later report still moves it', async () => {
    await rig.slave('lab-1');
    const id = await launch();
    rig.clock.advance(15 * 60_000 - 1);
    await rig.deadlines.run();
    expect(await state(id)).toBe('preparing');
    rig.clock.advance(1);
    await rig.deadlines.run();
    expect(await rig.instances.get(alice, id)).toMatchObject({ observed: 'failed', desired: 'running', reason: { code: 'DeadlinePassed' } });
    await rig.report(id, 'running');
    expect(await rig.instances.get(alice, id)).toMatchObject({ observed: 'running', reason: null });
  });

  it('is not failed for the time in which no master was there to be told', async () => {
    await rig.slave('lab-1');
    const id = await launch();
    await rig.report(id, 'booting');
    await rig.scheduler.stop();
    const waiting = (await rig.instances.create(alice, { imageId })).instance.id;
    rig.clock.advance(3_600_000);
    const scheduler = { hasPassed: false };
    const afterStart = new DeadlineJob(rig.unit, rig.clock, settings, scheduler, { lostAfterMs }, () => undefined);
    await afterStart.run((error) => rig.faults.push(error));
    expect([await state(id), await state(waiting)]).toEqual(['booting', 'requested']);
    scheduler.hasPassed = true;
    rig.clock.advance(lostAfterMs - 1);
    await afterStart.run((error) => rig.faults.push(error));
    expect([await state(id), await state(waiting)]).toEqual(['booting', 'failed']);
    rig.clock.advance(1);
    await afterStart.run((error) => rig.faults.push(error));
    expect(await state(id)).toBe('failed');
  });

  it('whose slave has not named everything yet is not missing', async () => {
    const lab = await rig.slave('lab-1');
    const id = await running();
    expect(await rig.observations.connected(lab, [], false)).toEqual([expect.objectContaining({ instanceId: id })]);
    expect(await state(id)).toBe('running');
    await rig.observations.connected(lab, [], true);
    expect(await state(id)).toBe('lost');
  });

  it('gives its name back when it is gone, also one that looks as if it were made', async () => {
    await rig.slave('lab-1');
    const { instance } = await rig.instances.create(alice, { imageId, name: 'placeholder' });
    const name = `lab-${instance.id.slice(-1)}`;
    await rig.database.db('instances').where({ id: instance.id }).update({ name });
    await rig.scheduler.idle();
    await rig.instances.operate(alice, instance.id, { verb: 'delete' });
    await rig.report(instance.id, 'deleted');
    expect((await rig.instances.create(alice, { imageId, name })).instance.name).toBe(name);
    await rig.scheduler.idle();
  });

  it('can be deleted in every state', async () => {
    await rig.slave('lab-1', { cores: 64, ramTotalMiB: 100_000 });
    for (const observed of observedStateSchema.options) {
      const id = await launch();
      await rig.database.db('instances').where({ id }).update({ observed });
      if (['requested', 'queued'].includes(observed)) {
        await rig.database.db('placements').where({ instance_id: id }).delete();
        await rig.database.db('instances').where({ id }).update({ slave_id: null });
      }
      await rig.instances.operate(alice, id, { verb: 'delete' });
      if (!['requested', 'queued', 'deleted'].includes(observed)) await rig.report(id, 'deleted');
      expect([observed, await state(id)]).toEqual([observed, 'deleted']);
    }
    expect((await rig.unit.read.addresses.taken()).size).toBe(1); // of the one that was only declared deleted
  });

  it('follows a verb once, although its answer was lost and something else was asked for since', async () => {
    await rig.slave('lab-1');
    const id = await running();
    const reserved = newId(rig.clock.now());
    const first = await rig.instances.operate(alice, id, { verb: 'suspend', reservedId: reserved });
    expect(first.operation.id).toBe(reserved);
    await rig.report(id, 'suspended');
    await rig.instances.operate(alice, id, { verb: 'resume' });
    await rig.scheduler.idle();
    await rig.report(id, 'running');

    const again = await rig.instances.operate(alice, id, { verb: 'suspend', reservedId: reserved });
    expect(again.operation).toMatchObject({ id: reserved, state: 'done' });
    expect(again.instance).toMatchObject({ desired: 'running', generation: (await rig.instances.get(alice, id)).generation });
    const { items } = await rig.instances.history(alice, id, { limit: 100 });
    expect(items.filter(({ desired, by }) => desired === 'suspended' && by === 'user alice')).toHaveLength(1);
  });

  it('asked for what is so already answers that, and says the way out of what cannot be', async () => {
    await rig.slave('lab-1');
    const id = await running();
    const once = await rig.instances.operate(alice, id, { verb: 'suspend' });
    const twice = await rig.instances.operate(alice, id, { verb: 'suspend' });
    expect(twice.operation.id).toBe(once.operation.id);
    expect(twice.instance.generation).toBe(once.instance.generation);
    await rig.report(id, 'suspended');
    expect((await rig.instances.operate(alice, id, { verb: 'suspend' })).operation.state).toBe('done');
    await rig.instances.operate(alice, id, { verb: 'stop', force: true });
    expect(rig.agents.last(id).desired).toMatchObject({ desired: 'stopped', forceStop: true });
    await rig.report(id, 'stopped');
    await expect(rig.instances.operate(alice, id, { verb: 'resume' })).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('Start it instead') as string });
  });

  it('is not resumed into cores that somebody else was promised meanwhile, but waits for them and goes on by itself', async () => {
    const lab = await rig.slave('lab-1', { cores: 1 });
    const first = await running();
    await rig.instances.operate(alice, first, { verb: 'suspend' });
    await rig.report(first, 'suspended');
    const second = await running();
    const { operation, instance } = await rig.instances.operate(alice, first, { verb: 'resume' });
    expect(instance).toMatchObject({ desired: 'suspended', observed: 'suspended', queuedAt: expect.any(String) as string });
    await rig.scheduler.idle();
    expect(await rig.instances.get(alice, first)).toMatchObject({ desired: 'suspended', reason: { code: 'NotEnoughCores', sentence: expect.stringContaining('on lab-1, where its disk is') as string } });
    expect(await rig.operations.get(alice, operation.id)).toMatchObject({ state: 'pending' });
    expect((await rig.queue.queue(alice)).items).toMatchObject([{ instanceId: first, place: 1 }]);

    await rig.instances.operate(alice, second, { verb: 'delete' });
    await rig.report(second, 'deleted');
    expect(rig.agents.last(first)).toMatchObject({ slaveId: lab, desired: { desired: 'running' } });
    await rig.report(first, 'running');
    expect(await rig.operations.get(alice, operation.id)).toMatchObject({ state: 'done' });
    expect(await rig.instances.get(alice, first)).toMatchObject({ observed: 'running', queuedAt: null, reason: null });
  });

  it('that waits to go on is left as it is when its owner changes their mind', async () => {
    await rig.slave('lab-1', { cores: 1 });
    const first = await running();
    await rig.instances.operate(alice, first, { verb: 'suspend' });
    await rig.report(first, 'suspended');
    const second = await running();
    const { operation } = await rig.instances.operate(alice, first, { verb: 'resume' });
    await rig.scheduler.idle();
    expect(await rig.instances.operate(alice, first, { verb: 'suspend' })).toMatchObject({ instance: { queuedAt: null, observed: 'suspended' }, operation: { state: 'done' } });
    expect(await rig.operations.get(alice, operation.id)).toMatchObject({ state: 'superseded' });
    await rig.instances.operate(alice, second, { verb: 'delete' });
    await rig.report(second, 'deleted');
    expect(await rig.instances.get(alice, first)).toMatchObject({ desired: 'suspended', observed: 'suspended' });
  });

  it('goes to a slave that cannot map somebody’s port, and to none whose disk is full', async () => {
    const full = await rig.slave('lab-1', { troubles: [{ code: 'pool-full', sentence: 'its pool is full.' }] });
    const mapping = await rig.slave('lab-2', { cores: 1, troubles: [{ code: 'public-mapping', sentence: 'port 40000 is in use on this host.' }] });
    const { slaveId } = await rig.instances.get(alice, await running());
    expect(slaveId).toBe(mapping);
    expect(slaveId).not.toBe(full);
  });

  it('waits with its reason when there is no room, and starts by itself when there is', async () => {
    await rig.slave('lab-1', { cores: 1 });
    const first = await running();
    const second = await launch();
    expect((await rig.instances.get(alice, second)).reason).toMatchObject({ code: 'NotEnoughCores', sentence: expect.stringMatching(/^1st in the queue\. It needs 1 core/) as string });
    await expect(rig.instances.operate(alice, second, { verb: 'suspend' })).rejects.toMatchObject({ code: 'conflict' });
    await rig.instances.operate(alice, first, { verb: 'delete' });
    await rig.report(first, 'deleted');
    expect(await state(second)).toBe('preparing');
  });

  it('shows its console when its slave is there, and says so when not', async () => {
    const lab = await rig.slave('lab-1');
    const id = await running();
    rig.agents.answer = (_slave, command) => ({ commandId: newId(0), outcome: { ok: true, body: command.kind === 'screenshot' ? Buffer.from('png').toString('base64') : 'login:' } });
    expect(await rig.consoles.serialLog(alice, id, 100)).toBe('login:');
    expect((await rig.consoles.screenshot(alice, id)).toString()).toBe('png');
    // Who looks at the same moment sees the same picture; a second later it is taken anew.
    rig.agents.answer = () => ({ commandId: newId(0), outcome: { ok: true, body: Buffer.from('later').toString('base64') } });
    expect((await rig.consoles.screenshot(alice, id)).toString()).toBe('png');
    rig.clock.advance(1000);
    expect((await rig.consoles.screenshot(alice, id)).toString()).toBe('later');
    rig.agents.connected.delete(lab);
    await expect(rig.consoles.serialLog(alice, id, 100)).rejects.toMatchObject({ code: 'slave-offline' });
  });

  it('is nobody else’s business', async () => {
    await rig.slave('lab-1');
    const id = await running();
    const bob = await rig.person('student', 'bob');
    await expect(rig.instances.get(bob, id)).rejects.toMatchObject({ code: 'not-found' });
    await expect(rig.instances.operate(bob, id, { verb: 'delete' })).rejects.toMatchObject({ code: 'not-found' });
    expect((await rig.instances.list(bob, { limit: 50 })).items).toEqual([]);
    expect((await rig.instances.list(alice, { limit: 50 })).items).toHaveLength(1);
  });

  it('is launched within a person’s share, also when all are asked for at once; operators launch for the site', async () => {
    const small = await openRig({ settings: { instancesPerUser: 2 } });
    const student = await small.person('student', 'bob');
    const image = await small.image();
    const asked = await Promise.allSettled(Array.from({ length: 6 }, () => small.instances.create(student, { imageId: image })));
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    await expect(small.instances.create(student, { imageId: image })).rejects.toMatchObject({ code: 'quota-exceeded', message: expect.stringMatching(/^You have 2 instances, and your share is 2\. Delete one/) as string });
    const [first] = (await small.instances.list(student, { limit: 10 })).items;
    await small.scheduler.idle();
    await small.instances.operate(student, first?.id ?? '', { verb: 'delete' });
    await small.instances.create(student, { imageId: image });
    const operator = await small.person('operator', 'otto');
    for (let count = 0; count < 3; count++) await small.instances.create(operator, { imageId: image });
    await small.scheduler.idle();
    expect(small.faults).toEqual([]);
    await small.close();
  });

  it('is refused with field and limit, and nothing half made, for what cannot be', async () => {
    const tooSmall = rig.instances.create(alice, { imageId, diskMiB: 10 });
    await expect(tooSmall).rejects.toMatchObject({ code: 'invalid-input', detail: { field: 'diskMiB', limit: 'at least 64 MiB' } });
    await expect(rig.instances.create(alice, { imageId: newId(0) })).rejects.toMatchObject({ code: 'not-found', detail: { field: 'imageId' } });
    await expect(rig.instances.create(alice, { imageId: await rig.image(64, 'disk', 'uploading') })).rejects.toMatchObject({ code: 'image-not-ready' });
    for (const name of ['My VM', '"; DROP', '$(reboot)', '<x/>', 'ü', '-a', 'a'.repeat(10_000)]) {
      await expect(rig.instances.create(alice, { imageId, name })).rejects.toMatchObject({ code: 'invalid-input', detail: { field: 'name' } });
    }
    await rig.instances.create(alice, { imageId, name: 'mine' });
    await expect(rig.instances.create(alice, { imageId, name: 'mine' })).rejects.toMatchObject({ code: 'already-exists', detail: { field: 'name' } });
    expect((await rig.instances.list(alice, { limit: 50 })).items).toHaveLength(1);
    expect((await rig.unit.read.addresses.taken()).size).toBe(1);
  });
});

describe('many instances at once', () => {
  it('never share an address, and are told when there are no more', async () => {
    const rig = await openRig({ settings: { network: { name: 'paravcl', bridge: 'pvcl0', gateway: '10.77.0.1', prefix: 28 } } });
    const alice = await rig.person('student', 'alice');
    const imageId = await rig.image();
    const results = await Promise.allSettled(Array.from({ length: 16 }, () => rig.instances.create(alice, { imageId })));
    const made = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.instance] : []));
    expect(made).toHaveLength(13); // 16 less network, gateway and broadcast
    expect(new Set(made.map(({ address }) => address)).size).toBe(13);
    expect(new Set(made.map(({ mac }) => mac)).size).toBe(13);
    expect(made.map(({ address }) => address)).not.toContain('10.77.0.1');
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    for (const reason of refused) expect(reason).toMatchObject({ code: 'conflict', message: expect.stringContaining('All 13 addresses') as string });
    await rig.close();
  });

  it('of one made name at once both get a name, the later one a longer one', async () => {
    const rig = await openRig();
    const people = [await rig.person('student', 'alice'), await rig.person('student', 'bob')];
    const imageId = await rig.image();
    // Ids with the same end make the same short name.
    const ids = ['0190f3a0-0000-7000-8000-0000000019af', '0190f3a0-0000-7000-8000-0000000029af'];
    const made = await Promise.all(people.map((person, index) => rig.instances.create(person, { imageId }, null, ids[index] ?? null)));
    const [first = '', second = ''] = made.map(({ instance }) => instance.name).sort((a, b) => a.length - b.length);
    expect(first).toMatch(/-9af$/);
    expect(second).toMatch(/-[12]9af$/);
    await rig.close();
  });

  it('never promise a core twice, whatever the order in which fifty launches come', async () => {
    const rig = await openRig();
    const alice = await rig.person('student', 'alice');
    const imageId = await rig.image();
    const slaves = [await rig.slave('lab-1', { cores: 8 }), await rig.slave('lab-2', { cores: 8 }), await rig.slave('lab-3', { cores: 4 })];
    await Promise.all(Array.from({ length: 50 }, () => rig.instances.create(alice, { imageId })));
    await rig.scheduler.idle();
    const usage = await rig.unit.read.placements.usage();
    expect(slaves.map((id) => usage.get(id)?.vcpus)).toEqual([8, 8, 4]);
    const queued = await rig.instances.list(alice, { limit: 200, state: 'queued' });
    expect(queued.items).toHaveLength(30);
    expect(queued.items.at(-1)?.reason?.sentence).toContain('1st in the queue');
    expect(rig.faults).toEqual([]);
    await rig.close();
  });
});
