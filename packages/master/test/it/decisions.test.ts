import type { Decision } from '@paravcl/shared/domain/decision';
import type { Claimable } from '@paravcl/shared/domain/reservation';
import { newId } from '@paravcl/shared/ids';
import { decisionRoutes } from '../../src/http/decision-routes';
import { keepInputs } from '../../src/services/decision-inputs';
import { DecisionService } from '../../src/services/decision-service';
import { goodPassword, openTestSite, type Person, type TestSite } from './test-site';

describe('why', () => {
  let site: TestSite;
  let groupId: string;
  let member: Person;
  let stranger: Person;
  const claimable: Claimable = { reservationId: newId(0), sentence: 'CL II has 12 machines until 13:00; start one.', end: '2026-10-13T11:00:00.000Z', free: 12, resumable: [] };

  beforeAll(async () => {
    site = await openTestSite({
      claims: { claimable: ({ userName }) => Promise.resolve(userName === 'member' ? [claimable] : []) },
      more: ({ unit }) => decisionRoutes(new DecisionService(unit), { queue: () => Promise.resolve({ length: 7, items: [] }) }),
    });
    groupId = (await site.send<{ id: string }>('POST', '/groups', { as: site.people.teacher, body: { name: 'CL II' } })).body.id;
    member = await site.person('member', 'student', groupId);
    stranger = await site.person('stranger', 'student');
  });
  afterAll(() => site.close());
  afterEach(() => expect(site.faults).toEqual([]));

  let at = Date.parse('2026-10-13T08:00:00Z');
  const decide = async (type: 'instance' | 'reservation', subjectId: string, kind: Decision['kind'], ofGroup: string | null): Promise<string> => {
    const id = newId((at += 1000));
    const decision: Decision = {
      id, at: new Date(at).toISOString(), kind, subject: { type, id: subjectId }, sentence: `This is the ${kind}.`, priority: null,
      candidates: { considered: 0, reasons: [], top: [] }, policy: 'para/para', inputsHash: '0'.repeat(64),
    };
    await site.database.unit.read.decisions.insert({ ...decision, userId: site.people.student.id, groupId: ofGroup });
    return id;
  };
  const statuses = async (path: string): Promise<Record<string, number>> => {
    const people = { owner: site.people.student, member, stranger, teacher: site.people.teacher, operator: site.people.operator };
    const entries: [string, number][] = [];
    for (const [who, as] of Object.entries(people)) entries.push([who, (await site.send('GET', path, { as })).status]);
    return Object.fromEntries(entries);
  };
  const instance = async (): Promise<string> => {
    const id = newId((at += 1000));
    await site.database.db('instances').insert({
      id, name: `i-${id}`, type: 'BE', user_id: site.people.student.id, group_id: groupId, image_id: newId(0), kernel_arguments: '', vcpus: 1, ram_mib: 512, disk_mib: 64, ssh_public_keys: '[]',
      desired: 'running', observed: 'requested', generation: 1, created_at: new Date(at), changed_at: new Date(at),
    });
    return id;
  };
  const reservation = async (ofGroup: string | null): Promise<string> => {
    const id = newId((at += 1000));
    await site.database.unit.read.reservations.insert({
      id, state: 'confirmed', userId: site.people.student.id, groupId: ofGroup, imageId: null, start: at, end: at + 3_600_000, count: 1, vcpus: 1, ramMiB: 512, diskMiB: 64, bandwidthMbps: null,
      priority: { pfv: 1, ras: 0, mon: 0, log2R: 9, lnE: 4, pf: -12, pi: 7.6 }, requestedMinutes: 60, moved: null, atRisk: false, seriesId: null, sentence: '', createdAt: at, changedAt: at,
    });
    return id;
  };

  it('an instance waits or was saved is told to its owner, the group’s teacher and operators, newest decision first', async () => {
    const id = await instance();
    const ids = [await decide('instance', id, 'queue', groupId), await decide('instance', id, 'place', groupId)];
    const forOwners = { owner: 200, member: 404, stranger: 404, teacher: 200, operator: 200 };
    expect(await statuses(`/instances/${id}/why`)).toEqual(forOwners);
    expect(await statuses(`/decisions/${String(ids[0])}`)).toEqual(forOwners);
    const { body } = await site.send<{ items: Decision[] }>('GET', `/instances/${id}/why`, { as: site.people.student });
    expect(body.items.map((decision) => decision.id)).toEqual(ids.reverse());
    expect((await site.send('GET', `/instances/${newId(0)}/why`, { as: site.people.operator })).status).toBe(404);
    expect((await site.send('GET', `/decisions/${newId(0)}`, { as: site.people.operator })).status).toBe(404);
  });

  it('a group’s reservation was decided so is told to its members too; a person’s own to nobody else', async () => {
    const shared = await reservation(groupId);
    const decision = await decide('reservation', shared, 'reserve', groupId);
    const forMembers = { owner: 200, member: 200, stranger: 404, teacher: 200, operator: 200 };
    expect(await statuses(`/reservations/${shared}/why`)).toEqual(forMembers);
    expect(await statuses(`/decisions/${decision}`)).toEqual(forMembers);
    const own = await reservation(null);
    await decide('reservation', own, 'reserve', null);
    expect(await statuses(`/reservations/${own}/why`)).toEqual({ owner: 200, member: 404, stranger: 404, teacher: 404, operator: 200 });
  });

  it('a reservation was refused is told although it was never made', async () => {
    const never = newId((at += 1000));
    await decide('reservation', never, 'refuse', null);
    expect(await statuses(`/reservations/${never}/why`)).toEqual({ owner: 200, member: 404, stranger: 404, teacher: 404, operator: 200 });
    expect((await site.send('GET', `/reservations/${newId(0)}/why`, { as: site.people.operator })).status).toBe(404);
    const ofInstance = newId((at += 1000));
    await decide('instance', ofInstance, 'place', null);
    expect((await site.send('GET', `/reservations/${ofInstance}/why`, { as: site.people.student })).status).toBe(404);
  });

  it('it could not be otherwise is for operators and admins to check, who alone may see the whole pool, as long as it is kept', async () => {
    const id = await decide('reservation', await reservation(groupId), 'reserve', groupId);
    const inputs = { at, snapshot: { slaves: [{ id: 'lab-pc-07', booked: null }], rules: {} }, waiting: [] };
    const path = `/decisions/${id}/inputs`;
    const gone = await site.send<{ detail: string }>('GET', path, { as: site.people.operator });
    expect(gone).toMatchObject({ status: 404, body: { code: 'not-found', detail: expect.stringContaining('not kept any more') as string } });
    const { decisions } = site.database.unit.read;
    const inputsHash = await keepInputs({ decisions }, inputs, at);
    await site.database.db('decisions').where({ id }).update({ inputs_hash: inputsHash, body: JSON.stringify({ ...(await decisions.find(id))?.decision, inputsHash }) });
    expect(await statuses(path)).toEqual({ owner: 403, member: 403, stranger: 403, teacher: 403, operator: 200 });
    for (const as of [site.people.operator, site.people.admin]) expect((await site.send('GET', path, { as })).body).toEqual(inputs);
    expect((await site.send('GET', `/decisions/${newId(0)}/inputs`, { as: site.people.admin })).status).toBe(404);
  });

  it('one waits and how many do is asked of the queue', async () => {
    expect((await site.send('GET', '/queue', { as: stranger })).body).toEqual({ length: 7, items: [] });
  });

  it('one should hurry is told at the login inside the window', async () => {
    const login = async (name: string) => (await site.send('POST', '/sessions', { body: { name, password: goodPassword, transport: 'bearer' } })).body['claimable'];
    expect(await login('member')).toEqual([claimable]);
    expect(await login('stranger')).toEqual([]);
  });
});
