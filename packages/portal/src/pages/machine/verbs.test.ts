import { offeredBy } from './verbs';

const machine = { observed: 'running', desired: 'running', queuedAt: null, recycledAt: null, type: 'BE', slaveId: 's', inStore: false } as const;

describe('what a machine offers', () => {
  it.each([
    ['running', 'open'],
    ['booting', 'open'],
    ['failed', 'retry'],
    ['preparing', null],
    ['lost', null],
  ] as const)('is, when it is %s, first %s', (observed, primary) => {
    expect(offeredBy({ ...machine, observed }).primary).toBe(primary);
  });

  it('is to resume what is saved, but not what waits to be resumed already', () => {
    const saved = { ...machine, observed: 'suspended', desired: 'suspended' } as const;
    expect(offeredBy(saved).primary).toBe('resume');
    const waiting = offeredBy({ ...saved, queuedAt: '2026-12-01T10:00:00.000Z' });
    expect(waiting.primary).toBeNull();
    expect(waiting.others).toContain('suspend');
  });

  it('is to take it out of the recycle bin, or to delete it for good', () => {
    expect(offeredBy({ ...machine, observed: 'stopped', desired: 'stopped', recycledAt: '2026-12-01T10:00:00.000Z' })).toEqual({ primary: 'restore', others: ['delete'] });
  });

  it('is no time of its own under a reservation', () => {
    expect(offeredBy(machine).others).toContain('moreTime');
    expect(offeredBy({ ...machine, type: 'AR' }).others).not.toContain('moreTime');
  });

  it('is to leave its slave only when it is off and on one', () => {
    const off = { ...machine, observed: 'stopped', desired: 'stopped' } as const;
    expect(offeredBy(off).others).toContain('move');
    expect(offeredBy({ ...off, slaveId: null, inStore: true }).others).not.toContain('move');
  });

  it('is nothing once it is being deleted', () => {
    expect(offeredBy({ ...machine, desired: 'deleted' })).toEqual({ primary: null, others: [] });
  });
});
