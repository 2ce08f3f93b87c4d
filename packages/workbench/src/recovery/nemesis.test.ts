import type { LabHost } from '../lab/lab-host';
import type { FaultKind } from './fault-plan';
import { targetsOf, type Patient } from './faults';
import { Nemesis } from './nemesis';
import type { Moving } from './read-books';
import { SeededRandom } from './seeded-random';

const at = (slaveId: string | null, stage: Moving['stage'] = 'preparing'): readonly Moving[] => [{ instanceId: 'i-1', slaveId, stage }];

/** A link whose ordered cut comes with the next look at its counters but one. */
function linkOf(name: string, stalled: string[]): unknown {
  let [ordered, looks] = [false, 0];
  return {
    stall: () => stalled.push(name),
    pass: () => undefined,
    cutMidFrame: () => (ordered = true),
    get counters() {
      looks += Number(ordered);
      return { cuts: looks > 2 ? 1 : 0 };
    },
  };
}

/** Two hosts whose links can be stalled, and books that show one look after the other, the last one for ever. */
function rig(looks: readonly (readonly Moving[] | 'no answer')[], kinds: readonly FaultKind[] = ['stall-link']) {
  const stalled: string[] = [];
  const hosts = new Map(['host-1', 'host-2'].map((name) => [`slave of ${name}`, { name, link: linkOf(name, stalled) } as unknown as LabHost]));
  let look = 0;
  const books = {
    moving: async () => {
      const now = looks[Math.min(look, looks.length - 1)];
      look += 1;
      if (now === undefined || now === 'no answer') throw new Error('The database does not answer.');
      return now;
    },
  };
  const standing = async (): Promise<string> => 'as they are';
  const patient = { suspectAfterMs: 500, lostAfterMs: 500 } as unknown as Patient;
  const nemesis = new Nemesis({ patient, hosts, books: { ...books, standing } as never, workload: { wish: () => undefined }, random: new SeededRandom(5), kinds, say: () => undefined });
  return { nemesis, stalled, strike: (aimed: Moving['stage']) => nemesis.strike(1, { first: [{ kind: 'stall-link', stage: aimed }] }) };
}

test('a victim that has no host yet is struck on the host that it is given', async () => {
  const { nemesis, stalled, strike } = rig([[], at(null), at(null), at('slave of host-2')]);
  await strike('preparing');
  expect(stalled).toEqual(['host-2']);
  expect([...nemesis.met]).toEqual([['stall-link × preparing', 1]]);
});

test('a victim that left its stage before the fault is not counted for it, and another one is waited for', async () => {
  const { nemesis, stalled, strike } = rig([[], at('slave of host-1'), at('slave of host-1', 'booting'), [], at('slave of host-2')]);
  await strike('preparing');
  expect(stalled).toEqual(['host-2']);
  expect([...nemesis.met]).toEqual([['stall-link × preparing', 1]]);
});

test('when the books do not answer at the moment of the fault, nothing is counted', async () => {
  const { nemesis, stalled, strike } = rig([[], at('slave of host-1'), 'no answer', [], at('slave of host-2')]);
  await strike('preparing');
  expect(stalled).toEqual(['host-2']);
  expect(nemesis.faults).toHaveLength(1);
});

test('a fault that takes effect only later is counted for the stage that it met then', async () => {
  const { nemesis } = rig([[], at('slave of host-2'), at('slave of host-2'), at('slave of host-2', 'booting')]);
  await nemesis.strike(1, { first: [{ kind: 'cut-mid-frame', stage: 'preparing' }] });
  expect([...nemesis.met]).toEqual([['cut-mid-frame × booting', 1]]);
});

test('of two faults that share a target the second waits until the first is healed', () => {
  const host = { name: 'host-1' } as LabHost;
  expect(targetsOf('kill-master-unanswered', host)).toEqual(expect.arrayContaining([...targetsOf('kill-master', host), ...targetsOf('lose-answers', host)]));
});
