import { bodyOf, emptyForm, faultsOf, mibOf } from './reservation-form';

const span = { start: Date.parse('2026-12-07T09:00Z'), end: Date.parse('2026-12-07T11:00Z') };
const template = { id: 't1', imageId: null, familyId: 'f1', vcpus: 2, ramMiB: 2048, diskMiB: null, bandwidthMbps: null };

it('asks for the disk where no image says it', () => {
  expect(faultsOf(emptyForm)).toEqual(['diskGiB']);
  expect(faultsOf({ ...emptyForm, what: 'family:f1' })).toEqual([]);
});

it.each([
  [{ vcpus: '0' }, 'vcpus'],
  [{ vcpus: '1.5' }, 'vcpus'],
  [{ ramGiB: 'much' }, 'ramGiB'],
  [{ diskGiB: '-1' }, 'diskGiB'],
  [{ count: '' }, 'count'],
  [{ bandwidthMbps: 'x' }, 'bandwidthMbps'],
  [{ weekly: true }, 'weeklyUntil'],
])('finds the fault of %o', (change, field) => {
  expect(faultsOf({ ...emptyForm, what: 'family:f1', ...change })).toEqual([field]);
  expect(bodyOf({ ...emptyForm, what: 'family:f1', ...change }, span, [])).toBeNull();
});

it('leaves to the image what is not typed', () => {
  expect(bodyOf({ ...emptyForm, what: 'family:f1' }, span, [])).toEqual({ start: '2026-12-07T09:00:00.000Z', end: '2026-12-07T11:00:00.000Z', count: 1, familyId: 'f1' });
});

it('takes the sizes of a template, and rather those that are typed', () => {
  expect(bodyOf({ ...emptyForm, what: 'template:t1', ramGiB: '1,5', count: '12', groupId: 'g1', asSlave: true, weekly: true, weeklyUntil: '2027-01-31' }, span, [template])).toEqual({
    start: '2026-12-07T09:00:00.000Z', end: '2026-12-07T11:00:00.000Z', count: 12, familyId: 'f1', vcpus: 2, ramMiB: 1536, groupId: 'g1', asSlave: true, weeklyUntil: '2027-01-31',
  });
});

it('asks nothing without a time, or while it is not known what there is to run', () => {
  expect(bodyOf({ ...emptyForm, what: '' }, span, [])).toBeNull();
  expect(bodyOf({ ...emptyForm, what: 'family:f1' }, null, [])).toBeNull();
  expect(bodyOf({ ...emptyForm, what: 'template:t1' }, span, [])).toBeNull();
});

it('reads sizes with a point and with a comma', () => {
  expect([mibOf('0.25'), mibOf('1,5'), mibOf('20'), mibOf('')]).toEqual([256, 1536, 20480, null]);
});
