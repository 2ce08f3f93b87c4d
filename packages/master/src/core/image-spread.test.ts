import { memberAt, relayTiers, type RelayTiers } from '@paravcl/shared/chunks/relay-tree';
import fc from 'fast-check';
import { chooseHolders, groupFor, largestGroup, mostHolders, networkOf, spreadGroups, weightOf, type SpreadMember } from './image-spread';

const member = (number: number, address: string, change: Partial<SpreadMember> = {}): SpreadMember => ({
  slaveId: `slave-${number}`, number, address, port: 7000, volunteer: false, avoided: false, ...change,
});
const numbersOf = (members: readonly SpreadMember[]): number[] => members.map(({ number }) => number);
/** As each member computes them of what it is told. */
const tiersOf = (group: readonly SpreadMember[]): RelayTiers => relayTiers(group.map((one) => ({ number: one.number, weight: weightOf(one) })));
const told = (asker: SpreadMember, all: readonly SpreadMember[]): number[] => numbersOf(groupFor(asker, spreadGroups(all)));

const anyMembers = fc
  .array(
    fc.record({
      network: fc.nat(4),
      port: fc.option(fc.integer({ min: 1, max: 65_535 }), { freq: 5 }),
      volunteer: fc.boolean(),
      avoided: fc.nat(9).map((roll) => roll === 0),
    }),
    { minLength: 1, maxLength: 200 },
  )
  .map((drawn) => drawn.map(({ network, ...rest }, at) => member(at * 3 + 1, `10.0.${network}.${at + 1}`, rest)));

const none = (): number => 0;

describe('who is told whom', () => {
  test('those in one network are a group, and those alone in theirs are one together', () => {
    const all = [member(1, '10.0.0.1'), member(2, '10.0.1.1'), member(3, '10.0.0.2'), member(4, '10.0.2.1')];
    expect(all.map((one) => told(one, all))).toEqual([[1, 3], [2, 4], [1, 3], [2, 4]]);
  });

  test('a lone slave is sent to the master: it is told nobody but itself', () => {
    const alone = member(1, '10.0.0.1');
    expect(told(alone, [alone])).toEqual([1]);
    const silent = member(1, '10.0.0.1', { port: null });
    expect(told(silent, [silent])).toEqual([]);
  });

  test('one that is alone while others share is their guest, and owns nothing', () => {
    const guest = member(3, '10.0.9.1');
    const all = [member(1, '10.0.0.1'), member(2, '10.0.0.2'), guest];
    expect(told(guest, all)).toEqual([1, 2]);
  });

  test('one that serves nobody is told the groups of its network before others', () => {
    const asker = member(9, '10.0.1.9', { port: null });
    const all = [member(1, '10.0.0.1'), member(2, '10.0.0.2'), member(3, '10.0.1.1'), member(4, '10.0.1.2'), asker];
    expect(told(asker, all)).toEqual([3, 4]);
  });

  test('a large network is cut into equal groups', () => {
    const all = Array.from({ length: 130 }, (_, at) => member(at, '10.0.0.1'));
    expect(spreadGroups(all).map(({ length }) => length)).toEqual([43, 43, 44]);
  });

  test('a volunteer stands behind all others in the tree of every chunk', () => {
    const tiers = tiersOf([member(1, '10.0.0.1'), member(2, '10.0.0.2', { volunteer: true }), member(3, '10.0.0.3')]);
    for (let place = 0; place < 10; place++) expect(memberAt(tiers, place, 2)).toBe(2);
  });

  test('whatever members there are: everybody who serves is in one group, nobody else in any, and none is too large', () => {
    fc.assert(
      fc.property(anyMembers, (all) => {
        const groups = spreadGroups(all);
        const serving = all.filter(({ port, avoided }) => port !== null && !avoided);
        expect(numbersOf(groups.flat()).sort((one, other) => one - other)).toEqual(numbersOf(serving));
        for (const group of groups) expect(group.length).toBeLessThanOrEqual(largestGroup);
      }),
    );
  });

  test('everybody in a group computes the same owner for each chunk, and the owner is one that knows it', () => {
    fc.assert(
      fc.property(anyMembers, fc.nat(10_000), (all, place) => {
        const groups = spreadGroups(all);
        const owner = (asker: SpreadMember): number | null => memberAt(tiersOf(groupFor(asker, groups)), place, 0);
        const byNumber = new Map(all.map((one) => [one.number, one]));
        for (const asker of all) {
          const found = owner(asker);
          if (found === null) expect(groups).toEqual([]);
          else expect(owner(byNumber.get(found) ?? asker)).toBe(found);
        }
      }),
    );
  });

  test('no member owns more than its share of what a boot reads first, and volunteers own nothing beside others', () => {
    fc.assert(
      fc.property(anyMembers, fc.integer({ min: 1, max: 500 }), (all, chunks) => {
        for (const group of spreadGroups(all)) {
          const owned = new Map<number, number>();
          for (let place = 0; place < chunks; place++) {
            const number = memberAt(tiersOf(group), place, 0) ?? -1;
            owned.set(number, (owned.get(number) ?? 0) + 1);
          }
          const dedicated = group.filter(({ volunteer }) => !volunteer);
          const owners = dedicated.length > 0 ? dedicated : group;
          expect([...owned.keys()].every((number) => owners.some((one) => one.number === number))).toBe(true);
          for (const count of owned.values()) expect(count).toBeLessThanOrEqual(Math.ceil(chunks / owners.length));
        }
      }),
    );
  });

  test('the order in which members are given changes nothing', () => {
    fc.assert(
      fc.property(anyMembers, fc.nat(), (all, turn) => {
        const turned = [...all.slice(turn % all.length), ...all.slice(0, turn % all.length)];
        for (const asker of all) expect(told(asker, turned)).toEqual(told(asker, all));
      }),
    );
  });
});

describe('whom to ask instead of the master', () => {
  const asker = member(0, '10.0.0.9');

  test('near ones first, then those named least, volunteers last', () => {
    const holders = [member(1, '10.0.1.1'), member(2, '10.0.0.1', { volunteer: true }), member(3, '10.0.0.2'), member(4, '10.0.0.3')];
    const load = ({ number }: SpreadMember): number => (number === 3 ? 5 : 0);
    expect(numbersOf(chooseHolders(0, asker, holders, load))).toEqual([4, 3, 2]);
  });

  test('equal ones are taken in turn, by the chunk', () => {
    const holders = [1, 2, 3, 4, 5].map((number) => member(number, '10.0.0.1'));
    expect([1, 2, 3].map((index) => numbersOf(chooseHolders(index, asker, holders, none)))).toEqual([[1, 2, 3], [2, 3, 4], [3, 4, 5]]);
  });

  test('never the asker, an avoided one or one that serves nobody, and not too many', () => {
    fc.assert(
      fc.property(anyMembers, fc.nat(1000), (all, index) => {
        const first = all[0] ?? asker;
        const found = chooseHolders(index, first, all, none);
        expect(found.length).toBeLessThanOrEqual(mostHolders);
        for (const one of found) {
          expect(one.avoided || one.port === null).toBe(false);
          expect(one.slaveId).not.toBe(first.slaveId);
        }
        const usable = all.filter((one) => one.port !== null && !one.avoided && one.slaveId !== first.slaveId);
        expect(found.length).toBe(Math.min(mostHolders, usable.length));
      }),
    );
  });
});

test.each([
  ['192.168.7.200', '192.168.7'],
  ['::ffff:192.168.7.1', '192.168.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:DB8:0001:0002::1', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::1', '0:0:0:0'],
  ['lab-pc-07', 'lab-pc-07'],
])('%s is in the network %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
