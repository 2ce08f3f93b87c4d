import { admit } from './admit';
import { asking, siteRules, written, type BookedSite } from './booked-site.model';
import { admittedSentence, atRiskSentence, listed, movedSentence, replannedSentence, tellMachines } from './explain-reservation';
import { at, booking, room, running, slave, world } from './small-world.model';

const now = at(9);
const site = (cores: readonly number[], ...requests: Parameters<typeof asking>[]): BookedSite =>
  requests.reduce<BookedSite>(
    (before, args, n) => written(before, asking(...args), admit(before.world, before.held, asking(...args), now), now + n),
    { world: world(cores.map((vcpus, n) => slave(`lab-${n + 1}`, { capacity: room(vcpus, { ramMiB: 100_000, diskMiB: 100_000 }) }))), held: [] },
  );
const told = (before: BookedSite, ...args: Parameters<typeof asking>): string => {
  const admission = admit(before.world, before.held, asking(...args), now);
  return admission.kind === 'admitted' ? admittedSentence(asking(...args), 'Lab B', admission, before.world, now) : admission.reason.sentence;
};

describe('an answer to a request for machines', () => {
  it('says what is given and who gives way for it', () => {
    expect(told(site([8, 8]), 'r', 4, 2, at(10), 2)).toBe('8 cores (4 machines of 2) for Lab B, Mon 10:00 to 12:00.');
    expect(told(site([8], ['CL II', 1, 8, at(10), 1, { pi: 7 }]), 'r', 1, 8, at(10), 1)).toBe('8 cores for Lab B, Mon 10:00 to 11:00. The reservation of CL II gives way: it moves from Mon 10:00 to 11:00.');
  });

  it('names the whole pool when more is asked for than it ever has, and the largest there is', () => {
    expect(told(site([24, 24], ['CL II', 8, 1, at(10), 2]), 'r', 64, 1, at(10), 2)).toBe(
      'Cannot reserve 64 cores: the whole pool has 48. The largest you can get at Mon 10:00 is 40. One machine can start now as best-effort, until Mon 11:00 at least if nobody with a higher priority comes.',
    );
    expect(told(site([8, 8]), 'r', 3, 5, at(10), 2)).toContain('Cannot reserve 15 cores (3 machines of 5): even in the empty pool, 2 machines of that size find room. The largest you can get at Mon 10:00 is 10 cores (2 machines of 5).');
    expect(told(site([8, 8]), 'r', 1, 12, at(10), 2)).toContain('Cannot reserve 12 cores: no host is large enough for 12 cores, 12288 MiB of RAM and 24576 MiB of disk with saved RAM; the largest have 8 cores, 100000 MiB and 100000 MiB. Ask for less. The largest you can get at Mon 10:00 is 8.');
    expect(told(site([]), 'r', 1, 1, at(10), 2)).toBe('Cannot reserve 1 core: no host takes reservations now. An operator can approve one or bring one back.');
    expect(told(site([8]), 'r', 1_000_000_000, 1, at(10), 2)).toContain('Cannot reserve 1000000000 cores: the whole pool has 8.');
  });

  it('names who has the room and both priorities, and when all of it fits', () => {
    const full = site([8], ['CL II', 1, 8, at(10), 2, { pi: 9.12 }]);
    expect(told(full, 'r', 2, 4, at(10), 2, { pi: 8.87 })).toBe(
      'Cannot reserve 8 cores (2 machines of 4), Mon 10:00 to 12:00: the room is reserved by CL II, with a higher priority (9.12 against 8.87). All of it fits Mon 12:00 to 14:00. ' +
        'One machine can start now as best-effort, until Mon 09:58 at least if nobody with a higher priority comes.',
    );
    expect(told(full, 'r', 2, 4, at(10), 2, { pi: 9.1199 })).toContain('(9.1200 against 9.1199)');
  });

  it('says what instances that stay leave free', () => {
    const spared = running('be', 6, { sparedUntil: at(24) });
    const busy = { world: world([slave('lab-1', { running: [spared] })]), held: [] };
    expect(told(busy, 'r', 2, 2, at(10), 2)).toContain('Cannot reserve 4 cores (2 machines of 2), Mon 10:00 to 12:00: each needs 2 cores on one host, and 2 in all are free of what runs on.');
    expect(admit(busy.world, [], asking('r', 2, 2, at(10), 2), now)).toMatchObject({ kind: 'refused', reason: { code: 'NotEnoughCores' }, offers: [{ kind: 'time', start: at(24 + 8) }, { kind: 'size', count: 1, vcpus: 2 }, { kind: 'best-effort' }] });
  });

  it('says how long one that has begun can go on', () => {
    const begun = world([slave('lab-1', { bookings: [booking('mine', 8, at(8), at(10), { slot: 1, instanceId: 'guest', need: room(8, { diskMiB: 0 }) }), booking('next', 8, at(11), at(12))] })]);
    const held = { id: 'mine', ownerName: 'mine', state: 'active' as const, start: at(8), end: at(10), count: 1, need: room(8), pi: 8, moved: false, createdAt: 0, rules: siteRules };
    const request = asking('mine', 1, 8, at(8), 4, { fixed: [{ slot: 1, slaveId: 'lab-1', promisedDiskMiB: room(8).diskMiB, heldUntil: at(10) }] });
    expect(admit(begun, [held], request, now)).toMatchObject({ offers: [{ kind: 'time', start: at(8), end: at(11), count: 1, vcpus: 8 }], reason: { sentence: expect.stringMatching(/ It can go on until Mon 11:00\.$/) as string } });
  });

  it('offers best-effort only until what is reserved wants the room back, and not for a moment', () => {
    const soon = site([8], ['CL II', 1, 8, at(10), 2]);
    expect(told(soon, 'r', 1, 8, at(10), 2)).toContain('One machine can start now as best-effort, until Mon 09:57 at least');
    const near = { ...soon, world: { ...soon.world, slaves: soon.world.slaves.map((one) => ({ ...one, bookings: [booking('CL II', 8, at(9, 4), at(12))] })) } };
    expect(told(near, 'r', 1, 8, at(10), 2)).not.toContain('best-effort');
  });
});

describe('what owners are told', () => {
  const from = { start: at(10), end: at(12) };

  it('of a move names both priorities and the three ways out', () => {
    expect(movedSentence({ from, to: { start: at(11), end: at(13) } }, { theirs: 9.12, own: 8.87 }, 'UTC', now)).toBe(
      'Yours moved from Mon 10:00 to 11:00: a request with a higher priority (9.12 against 8.87) needed the room. Keep 11:00, choose another time, or cancel.',
    );
    expect(movedSentence({ from, to: { start: at(11), end: at(13) } }, { theirs: 9.120001, own: 9.12 }, 'UTC', now)).toContain('(9.120001 against 9.120000)');
  });

  it('of new slaves that nothing is to be done, and of none what it means', () => {
    expect(replannedSentence(from, 2, ['lab-7'], 'UTC', now)).toBe('2 machines of your reservation, Mon 23 Nov 10:00 to 12:00, cannot run on lab-7 any more: they are booked on others now. You need not do anything.');
    expect(replannedSentence(from, 1, ['lab-7'], 'UTC', now)).toContain('1 machine of your reservation, Mon 23 Nov 10:00 to 12:00, cannot run on lab-7 any more: it is booked on another now.');
    expect(atRiskSentence(from, 2, 12, ['lab-7', 'lab-8'], 'UTC', now)).toBe(
      '2 of the 12 machines reserved for Mon 23 Nov 10:00 to 12:00 have no host to run on: lab-7 and lab-8 cannot take them any more, and no other has room. They are booked elsewhere by themselves as soon as there is room. Choose another time to be sure.',
    );
    expect(atRiskSentence(from, 1, 1, ['lab-7'], 'UTC', now)).toContain('The machine reserved for Mon 23 Nov 10:00 to 12:00 has no host to run on: lab-7 cannot take it any more');
  });

  it('counts and lists as people do', () => {
    expect([tellMachines(1, 1), tellMachines(1, 4), tellMachines(3, 1), tellMachines(3, 2)]).toEqual(['1 core', '4 cores', '3 cores', '6 cores (3 machines of 2)']);
    expect([[], ['a'], ['a', 'b'], ['a', 'b', 'c'], ['a', 'b', 'c', 'd']].map((names) => listed(names, 'others'))).toEqual(['', 'a', 'a and b', 'a, b and c', 'a, b and 2 others']);
  });
});
