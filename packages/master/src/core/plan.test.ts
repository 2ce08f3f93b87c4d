import { plan, type Decision } from './plan';
import { placementPolicies } from './rank';
import { at, booking, claimed, fifo, para, priority, room, running, saved, slave, waiting, world } from './small-world.model';
import type { SlaveView, WaitingInstance } from './snapshot';

const now = at(9);
const decideAll = (slaves: readonly SlaveView[], queue: readonly WaitingInstance[], criticalShare = 0, policies = para): readonly Decision[] => plan(world(slaves, { criticalShare }), queue, policies, now).decisions;
function decide(slaves: readonly SlaveView[], instance: WaitingInstance, criticalShare = 0): Decision {
  const [decision] = decideAll(slaves, [instance], criticalShare);
  if (decision === undefined) throw new Error('no decision');
  return decision;
}
const told = (decision: Decision | undefined): unknown => {
  if (decision === undefined) return null;
  const { instance: { id }, kind } = decision;
  switch (kind) {
    case 'preempt':
      return [id, kind, decision.slaveId, ...decision.victims.map(({ instance }) => instance.id)];
    case 'place':
    case 'resume':
      return [id, kind, decision.slaveId];
    case 'queue':
      return [id, kind, decision.reason.code, ...(decision.nominatedTo === null ? [] : [decision.nominatedTo])];
    case 'refuse':
      return [id, kind, decision.reason.code];
  }
};
const full = (id: string, facts: Partial<SlaveView> = {}): SlaveView => slave(id, { running: [running(`${id}-guest`, 8, { type: 'AR' })], ...facts });

describe('a place for one who waits', () => {
  it('is what the placement policy finds best', () => {
    const busy = slave('a', { running: [running('x', 3)] });
    const little = slave('b', { running: [running('y', 1)] });
    expect(told(decide([busy, little], waiting('i', 1)))).toEqual(['i', 'place', 'b']);
    const lent = slave('c', { kind: 'volunteer', contributing: true });
    expect(told(decide([busy, little, lent], waiting('i', 1)))).toEqual(['i', 'place', 'c']);
  });

  it('is the only slave it can have when its disk is there', () => {
    expect(told(decide([slave('a'), slave('b')], saved('i', 1, 'b')))).toEqual(['i', 'resume', 'b']);
    expect(told(decide([slave('a'), full('b')], saved('i', 1, 'b')))).toEqual(['i', 'queue', 'NotEnoughCores']);
    expect(told(decide([slave('a', { poolAvailableMiB: 0 })], saved('i', 1, 'a')))).toEqual(['i', 'resume', 'a']);
  });

  it('is refused with the reason of the slaves that could take it later, not of those that never can', () => {
    const small = slave('small', { capacity: room(1) });
    expect(told(decide([small, full('full')], waiting('i', 2)))).toEqual(['i', 'queue', 'NotEnoughCores']);
    expect(told(decide([], waiting('i', 1)))).toEqual(['i', 'queue', 'NoSlaves']);
    expect(told(decide([small], waiting('i', 2)))).toEqual(['i', 'queue', 'NoSlaveFits']);
    const drained = slave('drained', { admission: 'draining', capacity: room(1) });
    expect(told(decide([small, drained], waiting('i', 2)))).toEqual(['i', 'queue', 'NoSlaveFits']);
    expect(told(decide([small, { ...drained, capacity: room(8) }], waiting('i', 2)))).toEqual(['i', 'queue', 'SlaveDraining']);
    expect(told(decide([slave('a', { admission: 'pending' })], waiting('i', 1)))).toEqual(['i', 'queue', 'SlaveNotApproved']);
    expect(told(decide([slave('a', { liveness: 'lost' })], waiting('i', 1)))).toEqual(['i', 'queue', 'SlaveOffline']);
    expect(told(decide([slave('a', { hypervisor: { usable: false, why: 'no QEMU' } })], waiting('i', 1)))).toEqual(['i', 'queue', 'HypervisorUnusable']);
    expect(told(decide([slave('a', { poolAvailableMiB: 10 })], waiting('i', 1)))).toEqual(['i', 'queue', 'NotEnoughDisk']);
    expect(told(decide([slave('a', { promised: room(1, { ramMiB: 8000 }) })], waiting('i', 1)))).toEqual(['i', 'queue', 'NotEnoughRam']);
    expect(told(decide([slave('a', { promised: room(1, { bandwidthMbps: 950 }) })], waiting('i', 1, { need: room(1, { bandwidthMbps: 100 }) })))).toEqual(['i', 'queue', 'NotEnoughBandwidth']);
  });

  it('goes in turn within a round, too, where the policy says so', () => {
    const inTurn = { ...para, placement: placementPolicies['round-robin'] };
    const slaves = ['lab-1', 'lab-2', 'lab-3'].map((id) => slave(id));
    const { decisions } = plan({ ...world(slaves), lastPlacedOn: 'lab-1' }, Array.from({ length: 5 }, (_, number) => waiting(`i-${String(number)}`, 1)), inTurn, at(9));
    expect(decisions.map((decision) => ('slaveId' in decision ? decision.slaveId : decision.kind))).toEqual(['lab-2', 'lab-3', 'lab-1', 'lab-2', 'lab-3']);
  });

  it('is as fast as is needed: the next reason and place of a slower one is said, what is faster and full is waited for, and what has its disk somewhere goes on there', () => {
    const ofSpeed = (id: string, speed: number, facts: Partial<SlaveView> = {}): SlaveView => slave(id, { capacity: room(8, { diskMiB: 100_000, bandwidthMbps: 1000, speed }), ...facts });
    const needy = waiting('i', 1, { need: room(1, { speed: 1 }) });
    const [slow, quick] = [ofSpeed('lab-3', 0.6), ofSpeed('quick', 1)];
    expect(told(decide([slow, quick], needy))).toEqual(['i', 'place', 'quick']);
    expect(told(decide([slow], waiting('i', 1)))).toEqual(['i', 'place', 'lab-3']);
    const never = decide([slow], needy);
    expect(told(never)).toEqual(['i', 'queue', 'TooSlow']);
    expect(never).toMatchObject({ reason: { sentence: 'No host that is large enough has speed 1; the fastest has 0.6. Delete it and ask for less.' } });
    expect(never.considered.refused).toMatchObject([{ code: 'TooSlow', sentence: 'lab-3 has speed 0.6, and it needs 1.' }]);
    // One that is fast and too small does not change what is missing.
    expect(told(decide([slow, slave('little', { capacity: room(0, { speed: 3 }) })], needy))).toEqual(['i', 'queue', 'TooSlow']);
    const busy = ofSpeed('busy', 2, { running: [running('x', 8, { type: 'AR' })] });
    expect(told(decide([slow, busy], needy))).toEqual(['i', 'queue', 'NotEnoughCores']);
    // A slow slave that is drained is no better when that ends.
    expect(told(decide([{ ...slow, admission: 'draining' }], needy))).toEqual(['i', 'queue', 'TooSlow']);
    // Nobody gives way on a slave that is of no use.
    const weak = ofSpeed('weak', 0.6, { running: [running('w', 8, { pi: 1 })] });
    expect(told(decide([weak], needy))).toEqual(['i', 'queue', 'TooSlow']);
    expect(told(decide([slow], saved('i', 1, 'lab-3', { need: room(1, { speed: 1 }) })))).toEqual(['i', 'resume', 'lab-3']);
    // What was promised there is kept, whatever has been said of its speed since; the two numbers of a refusal differ.
    const slot = booking('CL II', 1, at(9), at(10), { instanceId: 'mine', need: room(1, { speed: 1 }) });
    const hair = ofSpeed('hair', 0.997, { bookings: [slot] });
    expect(told(decide([hair], claimed('mine', 'hair', slot)))).toEqual(['mine', 'place', 'hair']);
    expect(decide([ofSpeed('hair', 0.997)], needy)).toMatchObject({ reason: { sentence: 'No host that is large enough has speed 1; the fastest has 0.997. Delete it and ask for less.' } });
  });

  it('is large enough for the home volume, too, that goes there, and which of both is too large is said with the way out', () => {
    const reasonOf = (slaves: readonly SlaveView[], instance: WaitingInstance): string => {
      const decision = decide(slaves, instance);
      return decision.kind === 'queue' ? `${decision.reason.code}: ${decision.reason.sentence}` : decision.kind;
    };
    const withHome = (diskMiB: number, homeMiB: number, facts: Partial<WaitingInstance> = {}): WaitingInstance => waiting('i', 1, { need: room(1, { diskMiB: diskMiB + homeMiB }), homeMiB, ...facts });
    const small = slave('small', { capacity: room(8, { diskMiB: 10_000 }), poolAvailableMiB: 10_000 });
    expect(told(decide([small, slave('large')], withHome(2048, 20_000)))).toEqual(['i', 'place', 'large']);
    expect(reasonOf([small], withHome(2048, 20_000))).toBe('NoSlaveFits: No host is large enough for 1 core, 1024 MiB of RAM and 22048 MiB of disk with saved RAM (20000 MiB of them for the home volume); the largest have 8 cores, 8192 MiB and 10000 MiB. Delete it and launch with “home”: false, or ask an operator for a smaller home volume.');
    expect(reasonOf([small], withHome(12_000, 100))).toMatch(/Delete it and ask for less\.$/);
    const used = slave('used', { poolAvailableMiB: 5000 });
    expect(reasonOf([used], withHome(2048, 4000))).toBe('NotEnoughDisk: 1st in the queue. used has 5000 MiB of disk free, and disk, saved RAM and the home volume of its owner (4000 MiB) need 6048 MiB. It starts by itself when somebody deletes an instance, or gives a home volume back.');
    // Its disk is there already.
    const there = saved('i', 1, 'small', { need: room(1, { diskMiB: 20_000 }), homeMiB: 20_000 });
    expect(reasonOf([small, slave('large')], there)).toBe('NoSlaveFits: small, where its disk is, has 10000 MiB of disk for guests in all, and the home volume of its owner needs 20000 MiB. Move it to another host, or ask an operator for a smaller home volume.');
    expect(told(decide([small], { ...there, need: room(1, { diskMiB: 4000 }), homeMiB: 4000 }))).toEqual(['i', 'resume', 'small']);
    // Two that come in one round are both counted.
    expect(decideAll([small], [withHome(2048, 4000), { ...withHome(2048, 4000), id: 'j' }]).map(told)).toEqual([['i', 'place', 'small'], ['j', 'queue', 'NotEnoughDisk']]);
  });

  it('is not what the critical limit keeps free of best-effort; a claim may have it', () => {
    const nearlyFull = slave('a', { running: [running('x', 7, { type: 'AR' })] });
    expect(told(decide([nearlyFull, full('b'), full('c')], waiting('i', 1), 0.05))).toEqual(['i', 'queue', 'CriticalLimit']);
    const slot = booking('CL II', 1, at(9), at(11), { instanceId: 'i' });
    expect(told(decide([{ ...nearlyFull, bookings: [slot] }, full('b'), full('c')], claimed('i', 'a', slot), 0.05))).toEqual(['i', 'place', 'a']);
  });

  it('is there on a two-core machine for two guests, whatever share is kept free', () => {
    const twoCores = slave('a', { capacity: room(2, { diskMiB: 100_000 }), running: [running('x', 1, { need: room(1, { ramMiB: 512 }) })] });
    expect(decide([twoCores], waiting('i', 1, { need: room(1, { ramMiB: 512 }) }), 0.05).kind).toBe('place');
  });

  it('is given in the order of priority, and a small one passes a large one that does not fit yet', () => {
    const one = slave('a', { running: [running('x', 7, { type: 'AR' })] });
    const queue = [waiting('late', 1, { createdAt: at(8, 30) }), waiting('large', 8, { priority: priority(9) }), waiting('early', 1, { createdAt: at(8) })];
    const decisions = decideAll([one], queue);
    expect(decisions.map(({ instance, kind }) => [instance.id, kind])).toEqual([['large', 'queue'], ['early', 'place'], ['late', 'queue']]);
    expect(decisions[2]).toMatchObject({ place: 2 });
  });

  it('is promised before the next is decided', () => {
    const placed = decideAll([slave('a', { capacity: room(2, { diskMiB: 100_000 }) })], ['i', 'j', 'k'].map((id) => waiting(id, 1)));
    expect(placed.map(told)).toEqual([['i', 'place', 'a'], ['j', 'place', 'a'], ['k', 'queue', 'NotEnoughCores']]);
    const disk = decideAll([slave('a', { poolAvailableMiB: 5000 })], ['i', 'j', 'k'].map((id) => waiting(id, 1)));
    expect(disk.map(told)).toEqual([['i', 'place', 'a'], ['j', 'place', 'a'], ['k', 'queue', 'NotEnoughDisk']]);
  });

  it('is given up when every slave that could take it was tried, and waited for while another one still could', () => {
    const attempts = [{ slaveId: 'a', slaveName: 'a', code: 'LaunchFailed' as const, sentence: 'QEMU died.', cleaning: false }];
    expect(decide([slave('a')], waiting('i', 1, { attempts }))).toMatchObject({ kind: 'refuse', reason: { code: 'LaunchFailed', sentence: expect.stringContaining('a: QEMU died.') as string } });
    const waits = decide([slave('a'), full('b')], waiting('i', 1, { attempts }));
    expect(told(waits)).toEqual(['i', 'queue', 'NotEnoughCores']);
    // What is free on the one where it failed must not look like room for it.
    expect(waits).toMatchObject({ reason: { sentence: expect.stringMatching(/It could not be launched on a: QEMU died\.$/) as string } });
    expect(decide([slave('a'), slave('b', { liveness: 'lost' })], waiting('i', 1, { attempts })).kind).toBe('refuse');
    const cleaning = [{ slaveId: 'a', slaveName: 'a', code: null, sentence: null, cleaning: true }];
    expect(told(decide([slave('a')], waiting('i', 1, { attempts: cleaning })))).toEqual(['i', 'queue', 'AlreadyTried']);
  });

  it('is not looked for on a third slave when two could not use the image', () => {
    const attempts = ['a', 'b'].map((id) => ({ slaveId: id, slaveName: id, code: 'ImageCorrupt' as const, sentence: 'It is cut short.', cleaning: false }));
    expect(told(decide([slave('a'), slave('b'), slave('c')], waiting('i', 1, { attempts })))).toEqual(['i', 'refuse', 'ImageCorrupt']);
  });
});

describe('a slave that is not well', () => {
  const troubled = slave('lab-1', { troubles: ['its pool is full.'] });
  const wrong = slave('lab-1', { clockWrong: 'The clock of lab-1 is 9 s ahead.' });

  it('is given nothing while a trouble blocks its work, and the instance waits', () => {
    expect(told(decide([troubled, slave('lab-2')], waiting('i', 1)))).toEqual(['i', 'place', 'lab-2']);
    expect(decide([troubled], waiting('i', 1))).toMatchObject({ kind: 'queue', reason: { code: 'SlaveTroubled', sentence: expect.stringContaining('lab-1 takes nothing new at the moment: its pool is full.') as string } });
  });

  it('is given nothing with an end while its clock is wrong, and what has none', () => {
    expect(told(decide([wrong], waiting('i', 1)))).toEqual(['i', 'queue', 'ClockWrong']);
    expect(told(decide([wrong], waiting('i', 1, { runMs: null })))).toEqual(['i', 'place', 'lab-1']);
  });

  it('is never the end of a launch that failed elsewhere: what is wrong with it passes', () => {
    const attempts = [{ slaveId: 'lab-2', slaveName: 'lab-2', code: 'LaunchFailed' as const, sentence: 'It failed.', cleaning: false }];
    for (const other of [troubled, wrong]) expect(decide([other, slave('lab-2')], waiting('i', 1, { attempts })).kind).toBe('queue');
  });

  it('has nobody suspended for what it could not take anyway', () => {
    const unwell = { ...troubled, ...slave('lab-1', { running: [running('low', 8)] }), troubles: troubled.troubles };
    expect(told(decide([unwell], waiting('i', 1)))).toEqual(['i', 'queue', 'SlaveTroubled']);
  });
});

describe('giving way', () => {
  const low = slave('a', { running: [running('low', 8, { pi: 7 })] });

  it('is for a higher priority, and never for an equal one or in the order of arrival', () => {
    expect(told(decide([low], waiting('i', 2)))).toEqual(['i', 'preempt', 'a', 'low']);
    expect(told(decide([low], waiting('i', 2, { priority: priority(7) })))).toEqual(['i', 'queue', 'NotEnoughCores']);
    expect(told(decide([low], waiting('i', 2, { priority: priority(7.000_000_4) })))).toEqual(['i', 'queue', 'NotEnoughCores']);
    expect(decideAll([low], [waiting('i', 2)], 0, fifo).map(told)).toEqual([['i', 'queue', 'NotEnoughCores']]);
  });

  it('is never done by what is reserved, nor by one who was suspended often enough today', () => {
    expect(told(decide([full('a')], waiting('i', 2)))).toEqual(['i', 'queue', 'NotEnoughCores']);
    expect(told(decide([slave('a', { running: [running('x', 8, { sparedUntil: at(24) })] })], waiting('i', 2)))).toEqual(['i', 'queue', 'NotEnoughCores']);
  });

  it('tells both who has to go and who waits', () => {
    expect(decide([low], waiting('i', 2))).toMatchObject({
      reason: { code: 'MakingRoom', sentence: 'i starts on a as soon as one instance that gives way is saved there, in about 83 s.' },
      victims: [{ sentence: expect.stringContaining('low is saved with everything open, because a request with a higher priority (8.00 against 7.00) needs the room.') as string }],
    });
  });

  it('is asked once: who waits for it costs nobody else, and gets the room although others ask meanwhile', () => {
    const leaving = slave('a', { running: [running('low', 4, { leaving: true, observed: 'suspending' }), running('other', 4, { pi: 7 })] });
    const nominated = waiting('i', 4, { nominatedTo: 'a' });
    expect(told(decide([leaving], nominated))).toEqual(['i', 'queue', 'MakingRoom', 'a']);
    const gone = slave('a', { running: [running('other', 4, { type: 'AR' })] });
    expect(decideAll([gone], [nominated, waiting('higher', 1, { priority: priority(9) })]).map(told)).toEqual([['higher', 'queue', 'NotEnoughCores'], ['i', 'place', 'a']]);
  });

  it('is not asked a second time for room of one that had not started and is only being cleaned away', () => {
    const cleaning = slave('a', { promised: room(8), running: [running('other', 4)] });
    expect(told(decide([cleaning], waiting('i', 4, { nominatedTo: 'a' })))).toEqual(['i', 'queue', 'MakingRoom', 'a']);
  });

  it('is asked anew when what comes back is not enough any more', () => {
    const taken = slave('a', { running: [running('low', 2, { leaving: true }), running('claimed', 4, { type: 'AR' }), running('other', 2)] });
    expect(told(decide([taken], waiting('i', 4, { nominatedTo: 'a' })))).toEqual(['i', 'preempt', 'a', 'other']);
  });

  it('is not asked for one who would be called back at once, nor where others who stay leave it no room', () => {
    const soon = booking('CL II', 4, at(9, 8), at(11));
    const site = slave('a', { running: [running('high', 4, { pi: 9 }), running('low', 4)], bookings: [soon] });
    expect(told(decide([site], waiting('i', 4)))).toEqual(['i', 'queue', 'NotEnoughCores']);
    expect(told(decide([{ ...site, bookings: [{ ...soon, start: at(9, 30) }] }], waiting('i', 4)))).toEqual(['i', 'preempt', 'a', 'low']);
  });

  it('is not asked for what a slave with too little owes anyway, when that keeps the critical limit', () => {
    const owing = slave('a', { capacity: room(4, { diskMiB: 100_000 }), running: [running('x', 4), running('y', 4)] });
    expect(told(decide([owing, slave('b', { running: [running('r', 8, { type: 'AR' })] })], waiting('i', 4), 0.1))).toEqual(['i', 'queue', 'NotEnoughCores']);
    expect(told(decide([owing, slave('b', { running: [running('r', 6, { type: 'AR' })] })], waiting('i', 4), 0.1))).toEqual(['i', 'preempt', 'a', 'x', 'y']);
  });

  it('counts who waits for it once, when it keeps the critical limit', () => {
    const nominee = waiting('first', 8, { nominatedTo: 'a', priority: priority(9) });
    const a = slave('a', { running: [running('leaving', 4, { leaving: true })] });
    const b = slave('b', { running: [running('low', 2), running('reserved', 6, { type: 'AR' })] });
    expect(decideAll([a, b], [nominee, waiting('i', 2)]).map(told)).toEqual([['first', 'queue', 'MakingRoom', 'a'], ['i', 'preempt', 'b', 'low']]);
  });
});

describe('what is reserved', () => {
  const slot = booking('CL II', 4, at(9), at(11), { instanceId: 'i' });
  const mine = claimed('i', 'a', slot);

  it('runs in its slot, and elsewhere only when that cannot have it and the calendar leaves room there until its end', () => {
    expect(told(decide([slave('a', { bookings: [slot], running: [running('x', 4)] }), slave('b')], mine))).toEqual(['i', 'place', 'a']);
    const away = slave('a', { bookings: [slot], liveness: 'lost' });
    expect(told(decide([away, slave('b')], mine))).toEqual(['i', 'place', 'b']);
    const reservedLater = slave('b', { bookings: [booking('CL III', 8, at(10), at(12))] });
    expect(decide([away, reservedLater], mine).kind).toBe('queue');
  });

  it('has best-effort of any priority suspended, in its slot rather than elsewhere', () => {
    const high = slave('a', { bookings: [slot], running: [running('high', 8, { pi: 12 })] });
    const decisions = plan(world([high, slave('b', { running: [running('low', 8, { pi: 1 })] })], { noShowGraceMs: 0 }), [mine], para, at(9, 30)).decisions;
    expect(decisions.map(told)).toEqual([['i', 'preempt', 'a', 'high']]);
  });

  it('waits in its slot for those who were called back for it, and costs nobody elsewhere', () => {
    const recalled = slave('a', { bookings: [slot], running: [running('x', 8, { leaving: true, observed: 'suspending' })] });
    expect(told(decide([recalled, slave('b', { running: [running('y', 8)] })], mine))).toEqual(['i', 'queue', 'MakingRoom', 'a']);
  });

  it('has nobody suspended where the calendar has no room for it', () => {
    const away = slave('a', { bookings: [slot], liveness: 'lost' });
    const lentOut = slave('b', { bookings: [booking('CL III', 8, at(10), at(12))], running: [running('y', 8)] });
    expect(decide([away, lentOut], mine).kind).toBe('queue');
  });

  it('does not wait behind best-effort for which others were suspended', () => {
    const late = { ...slot, start: at(8) };
    const leaving = slave('a', { bookings: [late], running: [running('x', 8, { leaving: true })] });
    const free = slave('a', { bookings: [late] });
    const queue = [waiting('be', 8, { nominatedTo: 'a' }), claimed('i', 'a', late)];
    expect(decideAll([leaving], queue).map(told)[0]).toEqual(['i', 'queue', 'MakingRoom', 'a']);
    expect(decideAll([free], queue).map(told)[0]).toEqual(['i', 'place', 'a']);
  });

  it('claimed late takes what is lent, and not what is held for others', () => {
    const late = { ...slot, start: at(8) };
    const next = booking('CL III', 4, at(9), at(11));
    const lentOut = slave('a', { bookings: [late, next], running: [running('x', 4)] });
    expect(told(decide([lentOut], claimed('i', 'a', late)))).toEqual(['i', 'preempt', 'a', 'x']);
    // There is time to call the lent room back for the next one later on.
    expect(told(decide([{ ...lentOut, bookings: [late, { ...next, start: at(10) }] }], claimed('i', 'a', late)))).toEqual(['i', 'place', 'a']);
    // And here there is not, though nothing is held yet.
    expect(told(decide([{ ...lentOut, bookings: [late, { ...next, start: now + 30_000 }] }], claimed('i', 'a', late)))).toEqual(['i', 'preempt', 'a', 'x']);
  });

  it('claimed late waits for its room once, also when others are reserved beside it', () => {
    const late = { ...slot, start: at(8) };
    const gone = slave('a', { bookings: [late, booking('CL III', 4, at(9, 30), at(11))] });
    expect(told(decide([gone], claimed('i', 'a', late, { nominatedTo: 'a' })))).toEqual(['i', 'place', 'a']);
    const suspendedOften = claimed('i', 'a', late, { boundTo: 'a', spared: true });
    expect(told(decide([{ ...gone, bookings: [late, booking('CL III', 8, at(10), at(11))] }], suspendedOften))).toEqual(['i', 'resume', 'a']);
  });

  it('has the disk that was promised, whatever later slots will need', () => {
    const later = booking('CL III', 8, at(11), at(12), { need: room(8, { diskMiB: 9000 }) });
    expect(told(decide([slave('a', { bookings: [slot, later], poolAvailableMiB: 10_000 })], mine))).toEqual(['i', 'place', 'a']);
    expect(told(decide([slave('a', { bookings: [later], poolAvailableMiB: 10_000 })], waiting('be', 4)))).toEqual(['be', 'queue', 'KeptForReservation']);
  });
});

describe('lent room', () => {
  it('is not lent for less than the shortest loan, counted until it would be called back', () => {
    const soon = (minutes: number): SlaveView => slave('a', { bookings: [booking('CL II', 8, at(9, minutes), at(12))] });
    // 22 s of saving with safety and 10 s on top before the start: 5 min are left from 5 min 33 s on.
    expect(told(decide([soon(5)], waiting('be', 1)))).toEqual(['be', 'queue', 'KeptForReservation']);
    expect(told(decide([soon(6)], waiting('be', 1)))).toEqual(['be', 'place', 'a']);
    expect(told(decide([soon(5)], waiting('be', 1, { runMs: 60_000 })))).toEqual(['be', 'place', 'a']);
  });

  it('tells who takes it both risks in one sentence', () => {
    const decision = decide([slave('a', { bookings: [booking('CL II', 8, at(10), at(12))] })], waiting('be', 1, { runMs: 2 * 3_600_000 }));
    expect(decision).toMatchObject({ sentence: expect.stringContaining('It may be suspended for a higher priority, and it will be suspended from') as string });
  });

  it('is not lent when others could not be called back in time any more', () => {
    // Two saves of 4 GiB take 84 s, with safety 178 s: 3 min before the start one more would be too many.
    const busy = slave('a', { running: [running('x', 4, { pi: 1 })], bookings: [booking('CL II', 8, at(9, 2), at(12))] });
    expect(plan(world([busy], { shortestLoanMs: 0 }), [waiting('high', 4, { priority: priority(9) })], para, now).decisions.map(told)).toEqual([['high', 'queue', 'KeptForReservation']]);
  });

  it('is not for one who may not be suspended again, beside anything that may still be claimed', () => {
    const site = slave('a', { bookings: [booking('CL II', 8, at(8), at(9, 30))] });
    expect(told(decide([site], waiting('be', 1, { spared: true })))).toEqual(['be', 'queue', 'KeptForReservation']);
    expect(told(decide([site], waiting('be', 1)))).toEqual(['be', 'place', 'a']);
  });

  it('is lent beside what is held only as far as that is there already', () => {
    const begun = slave('a', { bookings: [booking('CL II', 4, at(9), at(12))], running: [running('x', 4, { leaving: true, observed: 'suspending' })] });
    expect(told(decide([begun], waiting('be', 2)))).toEqual(['be', 'queue', 'KeptForReservation']);
  });
});

describe('lent room', () => {
  it('is called back only where its slot could be claimed', () => {
    const lent = { running: [running('guest', 8)], bookings: [booking('CL II', 4, now + 1000, at(11))] };
    expect(plan(world([slave('a', lent)]), [], para, now).recalls.map(({ victims }) => victims.map(({ instance }) => instance.id))).toEqual([['guest']]);
    for (const facts of [{ admission: 'draining' }, { admission: 'quarantined' }, { liveness: 'lost' }, { hypervisor: { usable: false, why: 'no QEMU' } }] as const) {
      expect(plan(world([slave('a', { ...lent, ...facts })]), [], para, now).recalls).toEqual([]);
    }
  });
});

test('what no slave is large enough for is ahead of nobody', () => {
  const full = slave('a', { running: [running('r', 8, { sparedUntil: at(24) })] });
  const { decisions } = plan(world([full]), [waiting('never', 64, { priority: priority(9) }), waiting('next', 1), waiting('last', 1, { priority: priority(7) })], para, at(9));
  expect(decisions.map((decision) => [decision.instance.id, decision.kind === 'queue' ? [decision.place, decision.reason.code] : null])).toEqual([
    ['never', [1, 'NoSlaveFits']],
    ['next', [1, 'NotEnoughCores']],
    ['last', [2, 'NotEnoughCores']],
  ]);
});
