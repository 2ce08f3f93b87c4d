import type { Role } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import { noQuota, type Quotas } from '../../src/services/instance-settings';
import { requireQuota, type Share } from '../../src/services/quota-check';
import { UsageService } from '../../src/services/usage-service';
import { openTestDatabase, type TestDatabase } from './test-database';

describe('a quota', () => {
  const [alice, bob, groupId, first] = [newId(0), newId(0), newId(0), newId(0)];
  let database: TestDatabase;

  beforeAll(async () => {
    database = await openTestDatabase();
    await database.unit.read.groups.insert({ id: groupId, name: 'CL II', description: '', ownerUserId: null }, 0);
    const instance = (name: string, userId: string, vcpus: number, id = newId(0)) => ({
      id, name, type: 'BE', user_id: userId, group_id: groupId, image_id: newId(0), kernel_arguments: '', vcpus, ram_mib: 1024, disk_mib: 4096, ssh_public_keys: '[]',
      desired: 'running', observed: 'running', generation: 1, created_at: new Date(0), changed_at: new Date(0),
    });
    await database.db('instances').insert([instance('i-1', alice, 2, first), instance('i-2', alice, 4), instance('i-3', bob, 8)]);
  });
  afterAll(() => database.close());

  const one: Share = { instances: 1, vcpus: 4, ramMiB: 1024, diskMiB: 4096 };
  const quotas = (more: Partial<Quotas>): Quotas => ({ user: noQuota, group: noQuota, groups: new Map(), ...more });
  const check = (bounds: Partial<Quotas>, wanted: Share = one, role: Role = 'student'): Promise<void> =>
    database.unit.transaction((repositories) => requireQuota(repositories, { userId: alice, role, groupId, groupName: 'CL II' }, wanted, quotas(bounds)));
  const refusal = (message: string, limit: string): object => ({ code: 'quota-exceeded', message, detail: { limit } });

  it('that is not set bounds nothing', async () => {
    await check({});
  });

  it('of a person names the limit, what is in use, what was asked for and what would fit', async () => {
    await expect(check({ user: { ...noQuota, vcpus: 8 } })).rejects.toMatchObject(
      refusal('Your limit is 8 cores: you use 6, and this asks for 4 more. Suspend, stop or delete an instance first, or ask for at most 2 cores.', '8 cores'),
    );
    await check({ user: { ...noQuota, vcpus: 10 } });
    await expect(check({ user: { ...noQuota, instances: 2 } })).rejects.toMatchObject(refusal('Your limit is 2 instances: you use 2, and this asks for 1 more. Suspend, stop or delete one first.', '2 instances'));
    await expect(check({ user: { ...noQuota, diskMiB: 10_000 } })).rejects.toMatchObject({ detail: { limit: '10000 MiB of disk' } });
  });

  it('of a group counts what all its members use, and its own goes before that of all groups', async () => {
    await expect(check({ group: { ...noQuota, vcpus: 16 } })).rejects.toMatchObject(
      refusal('CL II’s limit is 16 cores: its members use 14, and this asks for 4 more. Suspend, stop or delete an instance first, or ask for at most 2 cores.', '16 cores'),
    );
    await check({ group: { ...noQuota, vcpus: 16 }, groups: new Map([['CL II', { ...noQuota, vcpus: 18 }]]) });
  });

  it('of a person does not bind operators and admins; that of a group binds everybody', async () => {
    await check({ user: { ...noQuota, vcpus: 1 } }, one, 'operator');
    await check({ user: { ...noQuota, vcpus: 1 } }, one, 'admin');
    await expect(check({ group: { ...noQuota, instances: 3 } }, one, 'admin')).rejects.toMatchObject({ code: 'quota-exceeded' });
  });

  it('is told to whom it holds for, with what is in use of it', async () => {
    const usage = new UsageService({ unit: database.unit, quotas: quotas({ user: { ...noQuota, vcpus: 8 }, group: { ...noQuota, instances: 40 } }), settings: { instancesPerUser: 20 } });
    const asked = (role: Role) => usage.usage({ userId: alice, userName: 'alice', role, groupIds: [groupId, newId(0)], ownedGroupIds: [], sessionId: '' });
    expect(await asked('student')).toEqual({
      machines: { used: 2, most: 20 },
      active: { used: { instances: 2, vcpus: 6, ramMiB: 2048, diskMiB: 8192 }, most: { ...noQuota, vcpus: 8 } },
      groups: [{ groupId, name: 'CL II', used: { instances: 3, vcpus: 14, ramMiB: 3072, diskMiB: 12_288 }, most: { ...noQuota, instances: 40 } }],
    });
    expect(await asked('operator')).toMatchObject({ machines: { used: 2, most: null }, active: { most: noQuota }, groups: [{ name: 'CL II' }] });
  });

  it('of a group is not overrun by two members at the same moment', async () => {
    const last = { groups: new Map([['CL II', { ...noQuota, instances: 4 }]]) };
    const like = await database.unit.read.instances.find(first);
    if (like === null) throw new Error('The first instance is gone.');
    const launch = (userId: string, name: string): Promise<void> =>
      database.unit.transaction(async (repositories) => {
        await requireQuota(repositories, { userId, role: 'student', groupId, groupName: 'CL II' }, one, quotas(last));
        await repositories.instances.insert({ ...like, id: newId(0), name, userId });
      });
    const both = await Promise.allSettled([launch(alice, 'i-4'), launch(bob, 'i-5')]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});
