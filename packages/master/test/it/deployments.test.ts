import type { CreateDeploymentBody } from '@paravcl/shared/api/deployments';
import type { Principal } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import { migrate } from '../../src/db/migrate';
import type { DeploymentAccepted, DeploymentService } from '../../src/services/deployment-service';
import { noQuota, type Quotas } from '../../src/services/instance-settings';
import { deploymentsOf, ObedientAgents } from './deployment-rig';
import { openRig, type Rig } from './instance-rig';

describe('a deployment', () => {
  let rig: Rig;
  let on: ReturnType<typeof deploymentsOf>;
  let admin: Principal;
  let imageId: string;

  const open = async (quotas?: Quotas, instancesPerUser = 100, homeMiB = 0): Promise<void> => {
    rig = await openRig({ settings: { instancesPerUser, homeMiB }, ...(quotas === undefined ? {} : { quotas }) });
    on = deploymentsOf(rig);
    admin = await rig.person('admin', 'root-admin');
    imageId = await rig.image();
  };
  afterEach(async () => {
    await on.job.idle();
    expect(rig.faults).toEqual([]);
    await rig.close();
  });

  const acting = (principal: Principal) => ({ principal, clientAddress: '127.0.0.1' });
  const deploy = (body: Partial<CreateDeploymentBody>, as = admin, reservedId: string | null = null): Promise<DeploymentAccepted> =>
    on.deployments.create(acting(as), { name: 'Class A', description: '', imageId, ...body }, reservedId);
  const operation = async (id: string, as = admin): Promise<string> => {
    await on.job.run();
    const { state, sentence } = await rig.operations.get(as, id);
    return `${state}: ${sentence}`;
  };
  const members = async (id: string) => (await on.deployments.get(admin, id)).members;
  const names = async (id: string) => (await members(id)).map(({ name }) => name);
  const group = async (name: string, teacher: Principal, ...people: readonly Principal[]): Promise<string> => {
    const id = newId(rig.clock.now());
    await rig.unit.transaction(async ({ groups }) => {
      await groups.insert({ id, name, description: '', ownerUserId: teacher.userId }, rig.clock.now());
      for (const { userId } of people) await groups.addMember(id, userId, rig.clock.now());
    });
    return id;
  };

  describe('of a site without quotas', () => {
    beforeEach(() => open());

    it('of forty machines on three slaves goes to running, few at a time on each, and one operation tells how far it is', async () => {
      for (const name of ['lab-1', 'lab-2', 'lab-3']) await rig.slave(name, { cores: 16, ramTotalMiB: 16_384 });
      const { deployment, operation: { id: operationId, state } } = await deploy({ count: 40, vcpus: 1, ramMiB: 256 });
      expect(state).toBe('pending');
      expect(deployment.counts).toEqual({ members: 40, places: { wanted: 40, made: 0, cancelled: 0, refused: 0 }, instances: {}, slaveOffline: 0 });
      const agents = new ObedientAgents(rig);
      await on.job.run();
      expect((await names(deployment.id)).slice(0, 3)).toEqual(['class-a-01', 'class-a-02', 'class-a-03']);
      await agents.step();
      expect(await operation(operationId)).toBe('pending: 0 of 40 running, 28 wait for their turn on a host, 12 being prepared');
      await agents.settle();
      expect(await operation(operationId)).toBe('done: All 40 run.');
      expect(agents.mostBeginning).toBe(4);
      const whole = await on.deployments.get(admin, deployment.id);
      expect(whole.deployment.counts.instances).toEqual({ running: 40 });
      expect(whole.deployment.sentence).toBe('40 of 40 running.');
      expect(new Set(whole.members.map(({ slaveId }) => slaveId)).size).toBe(3);
      expect(new Set(whole.members.map(({ address }) => address)).size).toBe(40);
    });

    it('says what the rest waits for, and takes late ones', async () => {
      await rig.slave('lab-1', { cores: 16, ramTotalMiB: 1024 });
      const { deployment: { id }, operation: made } = await deploy({ count: 5, vcpus: 1, ramMiB: 256, perHostLimit: 10 });
      const agents = new ObedientAgents(rig);
      await on.job.run();
      await agents.settle();
      expect(await operation(made.id)).toBe('pending: 4 of 5 running, 1 waits for RAM on any host');
      await rig.slave('lab-2', { cores: 16, ramTotalMiB: 1024 });
      const late = await on.deployments.add(acting(admin), id, { count: 2 });
      expect(late.operation).toMatchObject({ kind: 'deployment.add', sentence: '0 of 2 running, 2 to be made' });
      await on.job.run();
      await agents.settle();
      expect(await operation(made.id)).toBe('done: All 5 run.');
      expect(await operation(late.operation.id)).toBe('done: All 2 run.');
      expect(await names(id)).toEqual(['class-a-01', 'class-a-02', 'class-a-03', 'class-a-04', 'class-a-05', 'class-a-06', 'class-a-07']);
    });

    it('does not tell machines to run whose slave is silent, as little as they themselves do, and does again when it is back', async () => {
      const lab1 = await rig.slave('lab-1', { cores: 1 });
      await rig.slave('lab-2', { cores: 1 });
      const { deployment: { id }, operation: made } = await deploy({ count: 2, vcpus: 1 });
      const agents = new ObedientAgents(rig);
      await on.job.run();
      await agents.settle();
      await rig.unit.read.slaves.moveLiveness(lab1, 'online', 'suspect');
      expect(await operation(made.id)).toBe('pending: 1 of 2 running, 1 waits for a host that is offline');
      const silent = await on.deployments.get(admin, id);
      expect(silent.deployment).toMatchObject({ sentence: '1 of 2 running, 1 waits for a host that is offline.', counts: { instances: { running: 2 }, slaveOffline: 1 } });
      const views = await Promise.all(silent.members.map(({ instanceId }) => rig.instances.get(admin, instanceId)));
      expect(silent.members.map(({ observed, reason }) => [observed, reason])).toEqual(views.map(({ observed, reason }) => [observed, reason]));
      expect(silent.members.filter(({ reason }) => reason?.code === 'SlaveOffline').map(({ slaveId }) => slaveId)).toEqual([lab1]);
      await rig.unit.read.slaves.moveLiveness(lab1, 'suspect', 'online');
      expect(await operation(made.id)).toBe('done: All 2 run.');
      expect((await on.deployments.get(admin, id)).deployment.sentence).toBe('2 of 2 running.');
    });

    it('runs on the chosen slaves and nowhere else, and those chosen later hold for late ones', async () => {
      const [lab1, lab2] = [await rig.slave('lab-1', { cores: 2 }), await rig.slave('lab-2', { cores: 64 })];
      const { deployment: { id }, operation: made } = await deploy({ count: 3, vcpus: 1, slaveIds: [lab1] });
      const agents = new ObedientAgents(rig);
      await on.job.run();
      await agents.settle();
      expect(await operation(made.id)).toBe('pending: 2 of 3 running, 1 waits for cores on any host');
      const [waits] = (await members(id)).filter(({ observed }) => observed === 'queued');
      expect(waits?.reason?.sentence).toContain('Of all hosts one was chosen for Class A; it runs nowhere else.');
      expect((await on.deployments.edit(acting(admin), id, { slaveIds: [lab2] })).slaveIds).toEqual([lab2]);
      await on.deployments.add(acting(admin), id, { count: 1 });
      await on.job.run();
      await agents.settle();
      expect((await members(id)).map(({ slaveId }) => slaveId)).toEqual([lab1, lab1, null, lab2]);
      await expect(deploy({ count: 1, slaveIds: [newId(0)] })).rejects.toMatchObject({ code: 'not-found', detail: { field: 'slaveIds' } });
    });

    it('tries a machine on another slave when its launch fails, and fails with the reason when none is left', async () => {
      const [lab1] = [await rig.slave('lab-1'), await rig.slave('lab-2')];
      const broken = { code: 'LaunchFailed', sentence: 'The disk was refused.' } as const;
      const { deployment: { id }, operation: made } = await deploy({ count: 2, vcpus: 1 });
      const bad = new Set([lab1]);
      const agents = new ObedientAgents(rig, (slaveId, _instance, usual) => (bad.has(slaveId) && usual === 'preparing' ? { state: 'failed', reason: broken } : { state: usual }));
      await on.job.run();
      await agents.settle();
      expect((await members(id)).map(({ observed }) => observed)).toEqual(['running', 'running']);
      expect(await operation(made.id)).toMatch(/^done: All 2 run\. (1 was|2 were) tried on another host after a launch failed\.$/);

      for (const { id: slaveId } of await rig.unit.read.fleet.unretired()) bad.add(slaveId);
      const late = await on.deployments.add(acting(admin), id, { count: 1 });
      await on.job.run();
      await agents.settle();
      expect(await operation(late.operation.id)).toMatch(/^failed: 0 of 1 running, 1 failed\. class-a-03 could not be launched on any host\. Tried lab-/);
    });

    it('loses no machine and makes none twice when the master dies between two batches', async () => {
      await rig.slave('lab-1', { cores: 64, ramTotalMiB: 65_536 });
      let transactions = 0;
      const dies: typeof rig.unit = {
        read: rig.unit.read,
        launches: rig.unit.launches,
        transaction: (work) => {
          if (++transactions > 3) throw new Error('killed');
          return rig.unit.transaction(work);
        },
      };
      const before = deploymentsOf(rig, { unitOfWork: dies, onFault: () => undefined });
      const { deployment: { id }, operation: made } = await before.deployments.create(acting(admin), { name: 'Class A', description: '', imageId, count: 40, vcpus: 1, ramMiB: 256, perHostLimit: 100 });
      await before.job.idle();
      const half = await members(id);
      expect(half.filter(({ state }) => state === 'made')).toHaveLength(16);
      expect(half.filter(({ state }) => state === 'wanted')).toHaveLength(24);

      await on.job.run();
      const all = await members(id);
      expect(all.every(({ state }) => state === 'made')).toBe(true);
      expect(all.map(({ instanceId }) => instanceId)).toEqual(half.map(({ instanceId }) => instanceId));
      expect(await rig.unit.read.instances.countOf(admin.userId)).toBe(40);
      await new ObedientAgents(rig).settle();
      expect(await operation(made.id)).toBe('done: All 40 run.');
    });

    it('is asked for once under one idempotency key, and so are late ones and verbs', async () => {
      const [key, lateKey, stopKey] = [newId(rig.clock.now()), newId(rig.clock.now()), newId(rig.clock.now())];
      const first = await deploy({ count: 2 }, admin, key);
      const again = await deploy({ count: 2 }, admin, key);
      expect([again.deployment.id, again.operation.id]).toEqual([key, first.operation.id]);
      const late = [await on.deployments.add(acting(admin), key, { count: 1 }, lateKey), await on.deployments.add(acting(admin), key, { count: 1 }, lateKey)];
      expect(late.map((one) => one.operation.id)).toEqual([lateKey, lateKey]);
      await on.job.run();
      expect(await members(key)).toHaveLength(3);
      const cancels = [await on.operations.cancel(acting(admin), key, stopKey), await on.operations.cancel(acting(admin), key, stopKey)];
      expect(cancels.map((one) => one.operation.id)).toEqual([stopKey, stopKey]);
    });

    it('that is cancelled deletes what never ran and keeps what runs', async () => {
      await rig.slave('lab-1', { cores: 2 });
      const { deployment: { id }, operation: made } = await deploy({ count: 4, vcpus: 1 });
      const agents = new ObedientAgents(rig);
      await on.job.run();
      await agents.settle();
      expect(await operation(made.id)).toBe('pending: 2 of 4 running, 2 wait for cores on any host');
      const { operation: cancel } = await on.operations.cancel(acting(admin), id);
      await on.job.run();
      await agents.settle();
      expect(await operation(cancel.id)).toBe('done: All 2 that had not run are deleted.');
      expect(await operation(made.id)).toBe('done: All 2 run.');
      expect((await members(id)).map(({ state, observed }) => [state, observed])).toEqual([['made', 'running'], ['made', 'running'], ['cancelled', 'deleted'], ['cancelled', 'deleted']]);
      await expect(on.operations.cancel(acting(admin), id)).rejects.toMatchObject({ code: 'conflict', message: expect.stringMatching(/nothing to cancel/) as string });
    });

    it('that is cancelled before anything was made makes nothing', async () => {
      const { deployment: { id }, operation: made } = await dyingAfterAnswer(rig).create(acting(admin), { name: 'Class A', description: '', imageId, count: 3 });
      await on.operations.cancel(acting(admin), id);
      await on.job.run();
      expect((await members(id)).map(({ state }) => state)).toEqual(['cancelled', 'cancelled', 'cancelled']);
      expect(await operation(made.id)).toMatch(/^superseded: root-admin cancelled what did not run yet of Class A\.$/);
      expect((await rig.unit.read.instances.queue()).map(({ id: waiting }) => waiting)).toEqual([]);
    });

    it('is saved, resumed, stopped, started and deleted as a whole, one operation each, and is gone with its last machine', async () => {
      await rig.slave('lab-1', { cores: 8 });
      const { deployment: { id } } = await deploy({ count: 3, vcpus: 1, perHostLimit: 10 });
      const agents = new ObedientAgents(rig);
      await on.job.run();
      await agents.settle();
      const many = async (): Promise<number> => (await rig.operations.list(admin, { limit: 100 })).items.length;
      for (const [verb, told] of [['suspend', 'All 3 are saved.'], ['resume', 'All 3 run.'], ['stop', 'All 3 are off.'], ['start', 'All 3 run.']] as const) {
        const before = await many();
        const { operation: asked, refused } = await on.operations.operate(acting(admin), id, verb);
        expect([asked.kind, asked.state, refused]).toEqual([`deployment.${verb}`, 'pending', []]);
        await on.job.run();
        await agents.settle();
        expect(await operation(asked.id)).toBe(`done: ${told}`);
        expect(await many()).toBe(before + 1);
      }
      const { operation: end, deployment } = await on.operations.operate(acting(admin), id, 'delete');
      expect(deployment.state).toBe('deleting');
      await expect(on.deployments.add(acting(admin), id, { count: 1 })).rejects.toMatchObject({ code: 'conflict' });
      await on.job.run();
      await agents.settle();
      expect(await operation(end.id)).toBe('done: All 3 are gone.');
      await expect(on.deployments.get(admin, id)).rejects.toMatchObject({ code: 'not-found' });
      const { items } = await rig.unit.read.events.page({ limit: 50, subjectId: id });
      expect(items.map(({ kind }) => kind)).toEqual(['deployment.gone', 'deployment.delete', 'deployment.start', 'deployment.stop', 'deployment.resume', 'deployment.suspend', 'deployment.created']);
    });

    it('refuses a verb for the machines that cannot, each with its reason, and carries it out for the others', async () => {
      await rig.slave('lab-1', { cores: 2 });
      const { deployment: { id } } = await deploy({ count: 3, vcpus: 1 });
      const agents = new ObedientAgents(rig);
      await on.job.run();
      await agents.settle();
      const { operation: asked, refused } = await on.operations.operate(acting(admin), id, 'suspend');
      expect(refused).toEqual([expect.objectContaining({ slot: 3, sentence: expect.stringMatching(/^class-a-03 has not started yet/) as string })]);
      await on.job.run();
      await agents.settle();
      expect(await operation(asked.id)).toBe('done: All 2 are saved.');
      const { deployment: large } = await deploy({ count: 1, vcpus: 64 });
      await on.job.run();
      await rig.scheduler.idle();
      await expect(on.operations.operate(acting(admin), large.id, 'resume')).rejects.toMatchObject({ code: 'conflict', message: expect.stringMatching(/^None of the machines of Class A can do this now\. class-a-01-2 has not started yet/) as string });
    });

    it('carries a verb out once, also when the master dies in the middle of it', async () => {
      await rig.slave('lab-1', { cores: 8 });
      const { deployment: { id } } = await deploy({ count: 3, vcpus: 1 });
      const agents = new ObedientAgents(rig);
      await on.job.run();
      await agents.settle();
      const killed = (): never => {
        throw new Error('killed');
      };
      const dead = deploymentsOf(rig, { verbs: { carryOut: killed }, onFault: () => undefined });
      const { operation: asked } = await dead.operations.operate(acting(admin), id, 'stop');
      await dead.job.idle();
      expect((await members(id)).map(({ desired }) => desired)).toEqual(['running', 'running', 'running']);
      await on.job.run();
      await agents.settle();
      expect(await operation(asked.id)).toBe('done: All 3 are off.');
      // One of them is started by its owner: the wish is done with and does not come back.
      const [first] = await members(id);
      await rig.instances.operate(admin, first?.instanceId ?? '', { verb: 'start' });
      await on.job.run();
      await agents.settle();
      expect((await members(id)).map(({ observed }) => observed)).toEqual(['running', 'stopped', 'stopped']);
    });

    it('of a teacher gives the people of their group a machine each, named after them, and tells them', async () => {
      await rig.slave('lab-1', { cores: 8 });
      const [teacher, alice, bob, eve] = [await rig.person('teacher', 'tess'), await rig.person('student', 'alice'), await rig.person('student', 'bob'), await rig.person('student', 'eve')];
      const groupId = await group('CL II', teacher, alice, bob);
      const tess = { ...teacher, ownedGroupIds: [groupId] };
      const asked = await deploy({ users: ['alice', bob.userId] }, tess);
      expect(asked.deployment.groupId).toBe(groupId);
      await on.job.run();
      const made = await members(asked.deployment.id);
      expect(made.map(({ name, userId }) => [name, userId])).toEqual([['class-a-alice', alice.userId], ['class-a-bob', bob.userId]]);
      const { items: [notice] } = await rig.unit.read.notices.page({ userId: alice.userId, limit: 10, unread: true });
      expect(notice).toMatchObject({ kind: 'instance.deployed', sentence: 'tess deployed class-a-alice for you (Class A). It starts by itself as soon as there is room, and is yours to use.' });
      expect((await rig.instances.list(tess, { limit: 10 })).items).toHaveLength(2);
      expect((await rig.instances.list(alice, { limit: 10 })).items).toHaveLength(1);

      await expect(deploy({ users: ['alice', 'eve', 'nobody'] }, tess)).rejects.toMatchObject({ code: 'not-found', message: 'eve and nobody are not in a group that you own. Leave those names out.' });
      await expect(deploy({ users: ['bob'] }, { ...alice, groupIds: [groupId] })).rejects.toMatchObject({ code: 'not-found', message: 'bob is not you, and only teachers deploy for others. Leave that name out.' });
      await expect(deploy({ users: ['alice', alice.userId] }, tess)).rejects.toMatchObject({ code: 'invalid-input', message: expect.stringMatching(/^alice is named twice/) as string });
      await expect(on.deployments.get(eve, asked.deployment.id)).rejects.toMatchObject({ code: 'not-found' });
      await expect(on.deployments.get(alice, asked.deployment.id)).rejects.toMatchObject({ code: 'not-found' });
      await expect(on.operations.operate(acting(alice), asked.deployment.id, 'delete')).rejects.toMatchObject({ code: 'not-found' });
      expect((await on.deployments.list(tess, { limit: 10 })).items).toHaveLength(1);
      expect((await on.deployments.list(alice, { limit: 10 })).items).toEqual([]);
      expect(await rig.operations.get({ ...(await rig.person('teacher', 'colleague')), ownedGroupIds: [groupId] }, asked.operation.id)).toMatchObject({ kind: 'deployment.create' });
    });

    describe('made for somebody who keeps a home', () => {
      let tess: Principal;
      let alice: Principal;
      let groupId: string;
      beforeEach(async () => {
        await rig.close();
        await open(undefined, 100, 64);
        await rig.slave('lab-1', { cores: 8 });
        const teacher = await rig.person('teacher', 'tess');
        alice = await rig.person('student', 'alice');
        groupId = await group('CL II', teacher, alice);
        tess = { ...teacher, ownedGroupIds: [groupId] };
      });

      /** Whether the deployment's newest machine has a home, as the rig tells its slave. */
      const lent = async (id: string): Promise<boolean> => {
        await on.job.run();
        await rig.scheduler.idle();
        const made = (await members(id)).at(-1);
        const instanceId = made?.instanceId ?? '';
        const { home } = await rig.instances.get(admin, instanceId);
        expect(rig.agents.last(instanceId).desired.spec?.home !== undefined).toBe(home);
        return home;
      };
      const closed = 'A home goes into what its owner launches, and into what is deployed by who runs the site or by the teacher of its owner’s primary group.';

      it('lends it to no teacher who has merely taken the person into a group, and tells the person so', async () => {
        const { deployment: { id } } = await deploy({ users: ['alice'] }, tess);
        expect(await lent(id)).toBe(false);
        const { items: [notice] } = await rig.unit.read.notices.page({ userId: alice.userId, limit: 10, unread: true });
        expect(notice?.sentence).toBe(`tess deployed class-a-alice for you (Class A). It starts by itself as soon as there is room, and is yours to use. It runs without your home volume. ${closed}`);
        // Nobody has taken it from its owner.
        const own = await rig.instances.create(alice, { imageId, name: 'own', home: true });
        expect(own.instance.home).toBe(true);
      });

      it('does not lend it with a later start either, whoever asks for that', async () => {
        const { deployment: { id } } = await deploy({ users: ['alice'] }, tess);
        const agents = new ObedientAgents(rig);
        await on.job.run();
        await agents.settle();
        const instanceId = (await members(id))[0]?.instanceId ?? '';
        for (const who of [tess, alice]) {
          await rig.instances.operate(who, instanceId, { verb: 'stop' });
          await agents.settle();
          await rig.instances.operate(who, instanceId, { verb: 'start' });
          await agents.settle();
          expect(await rig.instances.get(alice, instanceId)).toMatchObject({ observed: 'running', home: false });
        }
      });

      it('that was made before homes were closed to strangers has it no more from its next start on', async () => {
        const [stranger, own, site] = [await deploy({ users: ['alice'] }, tess), await deploy({ count: 1 }, alice), await deploy({ users: ['alice'], name: 'Class B' })];
        await on.job.run();
        const { db } = rig.database;
        await db('instances').update({ home_wish: null });
        await db('knex_migrations').where({ name: '0070-close-homes-to-deployed-instances.js' }).delete();
        expect(await migrate(db)).toHaveLength(1);
        const wishes = await Promise.all([stranger, own, site].map(async ({ deployment: { id } }) => rig.unit.read.instances.homeWish((await members(id))[0]?.instanceId ?? '')));
        expect(wishes).toEqual([false, null, null]);
        await db('users').where({ id: alice.userId }).update({ primary_group_id: groupId });
        await db('instances').update({ home_wish: null });
        await db('knex_migrations').where({ name: '0070-close-homes-to-deployed-instances.js' }).delete();
        await migrate(db);
        expect(await rig.unit.read.instances.homeWish((await members(stranger.deployment.id))[0]?.instanceId ?? '')).toBeNull();
      });

      it('lends it to the teacher of the person’s primary group', async () => {
        await rig.database.db('users').where({ id: alice.userId }).update({ primary_group_id: groupId });
        expect(await lent((await deploy({ users: ['alice'] }, tess)).deployment.id)).toBe(true);
      });

      it('lends it to who runs the site, but not into a group whose teacher the home is closed to', async () => {
        const { deployment: { id } } = await deploy({ users: ['alice'], groupId });
        expect(await lent(id)).toBe(false);
        expect(await lent((await deploy({ users: ['alice'], name: 'Class B' }, await rig.person('operator', 'olga'))).deployment.id)).toBe(true);
      });

      it('lends it to nobody who adds the person to a deployment of somebody else', async () => {
        await rig.person('student', 'bob');
        const { deployment: { id } } = await deploy({ users: ['bob'], groupId });
        await on.deployments.add(acting(tess), id, { users: ['alice'] });
        expect(await lent(id)).toBe(false);
        const own = await deploy({ count: 1, groupId, name: 'Mine' }, { ...alice, groupIds: [groupId] });
        expect(await lent(own.deployment.id)).toBe(true);
        await rig.instances.operate(alice, (await members(own.deployment.id))[0]?.instanceId ?? '', { verb: 'delete' });
        await new ObedientAgents(rig).settle();
        await rig.database.db('home_volumes').update({ state: 'stored', instance_id: null, slave_id: null, attached_mib: null, return_id: null });
        await on.deployments.add(acting(tess), own.deployment.id, { users: ['alice'] });
        expect(await lent(own.deployment.id)).toBe(false);
      });
    });

    it('gives each person one machine, also where the whole class is named again with those who are late', async () => {
      await rig.slave('lab-1', { cores: 8 });
      for (const name of ['alice', 'bob', 'carol', 'dave']) await rig.person('student', name);
      const { deployment: { id } } = await deploy({ users: ['alice', 'bob'] });
      const wayOut = 'Reset or delete what is there; a second one takes a deployment of its own.';
      // Not made yet, it is a machine to be.
      const alone = on.deployments.add(acting(admin), id, { users: ['alice'] });
      await expect(alone).rejects.toMatchObject({ code: 'conflict', message: `alice has a machine in Class A already, and each person gets one. ${wayOut}`, detail: { field: 'users', limit: 'one machine each' } });
      const agents = new ObedientAgents(rig);
      await on.job.run();
      await agents.settle();
      const key = newId(rig.clock.now());
      const late = await on.deployments.add(acting(admin), id, { users: ['bob', 'carol', 'alice'] }, key);
      const made = await members(id);
      expect(late.refused).toEqual([['bob', 2], ['alice', 1]].map(([name, slot]) => ({ slot, instanceId: made[Number(slot) - 1]?.instanceId, sentence: `${String(name)} has class-a-${String(name)} in Class A already, and each person gets one. ${wayOut}` })));
      expect(late.operation.sentence).toBe('0 of 1 running, 1 to be made');
      expect(late.deployment.counts.members).toBe(3);
      await on.job.run();
      await agents.settle();
      // Asked again under its key it is the same request, whoever has a machine by now.
      expect((await on.deployments.add(acting(admin), id, { users: ['bob', 'carol', 'alice'] }, key)).operation.id).toBe(key);
      await expect(on.deployments.add(acting(admin), id, { users: ['carol', 'bob', 'alice'] })).rejects.toMatchObject({ code: 'conflict', message: `carol, bob and alice have a machine in Class A already, and each person gets one. ${wayOut}` });
      expect(await names(id)).toEqual(['class-a-alice', 'class-a-bob', 'class-a-carol']);

      // Who has none any more gets a new one.
      await rig.instances.operate(admin, made[0]?.instanceId ?? '', { verb: 'delete' });
      await on.deployments.add(acting(admin), id, { users: ['alice', 'dave'] });
      await on.job.run();
      await agents.settle();
      const alive = (await members(id)).filter(({ observed }) => observed !== 'deleted');
      expect(alive.map(({ name, observed }) => [name, observed])).toEqual(['bob', 'carol', 'alice-2', 'dave'].map((name) => [`class-a-${name}`, 'running']));
      // So many of one's own are as many as one asks for.
      for (let more = 0; more < 2; more += 1) expect((await on.deployments.add(acting(admin), id, { count: 1 })).refused).toEqual([]);
    });

    it('gives way to names that are taken', async () => {
      const [first, second] = [await deploy({ count: 2 }), await deploy({ count: 2 })];
      await on.job.run();
      expect(await names(first.deployment.id)).toEqual(['class-a-01', 'class-a-02']);
      expect(await names(second.deployment.id)).toEqual(['class-a-01-2', 'class-a-02-2']);
    });
  });

  describe('of a site with quotas', () => {
    beforeEach(() => open({ user: { ...noQuota, instances: 5 }, group: noQuota, groups: new Map([['CL II', { ...noQuota, vcpus: 6 }]]) }));

    it('that is more than its maker may have is refused before anything is made, with how many would fit', async () => {
      const alice = await rig.person('student', 'alice');
      await deploy({ count: 2 }, alice);
      // Also those that are still to be made count.
      await expect(deploy({ count: 40 }, alice)).rejects.toMatchObject({
        code: 'quota-exceeded',
        message: 'The limit of alice is 5 instances, and 2 are in use. Of the 40 machines asked for 3 would fit.',
        detail: { limit: '5 instances' },
      });
      await on.job.run();
      expect(await rig.unit.read.instances.countOf(alice.userId)).toBe(2);
      expect((await deploy({ count: 3 }, alice)).deployment.counts.members).toBe(3);
    });

    it('is checked against the shares of those who own the machines, and of the group', async () => {
      const [teacher, alice, bob] = [await rig.person('teacher', 'tess'), await rig.person('student', 'alice'), await rig.person('student', 'bob')];
      const groupId = await group('CL II', teacher, alice, bob);
      const tess = { ...teacher, ownedGroupIds: [groupId] };
      await deploy({ count: 5, vcpus: 1 }, alice);
      await expect(deploy({ users: ['alice', 'bob'], vcpus: 1 }, tess)).rejects.toMatchObject({
        code: 'quota-exceeded',
        message: 'The limit of each person is 5 instances, and alice has no room for one machine more. Without them 1 would fit.',
      });
      await expect(deploy({ count: 4, vcpus: 2, groupId }, tess)).rejects.toMatchObject({
        code: 'quota-exceeded',
        message: 'CL II’s limit is 6 cores: its members use 0. Of the 4 machines asked for 3 would fit.',
      });
      expect((await deploy({ users: ['bob'], vcpus: 2 }, tess)).deployment.groupId).toBe(groupId);
    });

    it('that is more than its owner and its group may have tells the limit that lets the fewest in', async () => {
      const [teacher, bob] = [await rig.person('teacher', 'tess'), await rig.person('student', 'bob')];
      const groupId = await group('CL II', teacher, bob);
      const tess = { ...teacher, ownedGroupIds: [groupId] };
      await expect(deploy({ count: 10, vcpus: 3, groupId }, tess)).rejects.toMatchObject({
        code: 'quota-exceeded',
        message: 'CL II’s limit is 6 cores: its members use 0. Of the 10 machines asked for 2 would fit.',
        detail: { limit: '6 cores' },
      });
      await expect(deploy({ count: 10, vcpus: 1, groupId }, tess)).rejects.toMatchObject({ message: 'The limit of tess is 5 instances, and 0 are in use. Of the 10 machines asked for 5 would fit.' });
      await deploy({ count: 5, vcpus: 1 }, bob);
      await expect(deploy({ users: ['bob', 'tess'], vcpus: 7, groupId }, tess)).rejects.toMatchObject({
        message: 'The limit of each person is 5 instances, and bob has no room for one machine more. Without them none would fit, because CL II’s limit is 6 cores.',
      });
    });

    it('refuses the machines whose room others took meanwhile, and fails with the reason', async () => {
      const alice = await rig.person('student', 'alice');
      const { operation: asked, deployment } = await dyingAfterAnswer(rig).create(acting(alice), { name: 'Class A', description: '', imageId, count: 3 });
      for (let one = 0; one < 3; one++) await rig.instances.create(alice, { imageId });
      expect(await operation(asked.id)).toMatch(/^pending: 0 of 3 running, 2 wait for a host, 1 could not be made\. Your limit is 5 instances/);
      expect((await members(deployment.id)).map(({ state }) => state)).toEqual(['made', 'made', 'refused']);
    });
  });

  it('that is more than a share and a quota of its maker allow tells how many the smaller of both lets in', async () => {
    await open({ user: { ...noQuota, vcpus: 6 }, group: noQuota, groups: new Map() }, 20);
    const alice = await rig.person('student', 'alice');
    await deploy({ count: 2, vcpus: 1 }, alice);
    await expect(deploy({ count: 40, vcpus: 1 }, alice)).rejects.toMatchObject({
      code: 'quota-exceeded',
      message: 'The limit of alice is 6 cores, and 2 are in use. Of the 40 machines asked for 4 would fit.',
      detail: { limit: '6 cores' },
    });
  });
});

/** Of a master that dies right after its first answer: only the places are written. */
function dyingAfterAnswer(rig: Rig): DeploymentService {
  let transactions = 0;
  const unitOfWork: Rig['unit'] = {
    read: rig.unit.read,
    launches: rig.unit.launches,
    transaction: (work) => (++transactions > 1 ? Promise.reject(new Error('killed')) : rig.unit.transaction(work)),
  };
  return deploymentsOf(rig, { unitOfWork, onFault: () => undefined }).deployments;
}
