import { plan, type Decision } from './plan';
import { at, para, priority, room, running, slave, waiting, world } from './small-world.model';
import type { DeploymentTerms, SlaveView, WaitingInstance } from './snapshot';

const terms = (facts: Partial<DeploymentTerms> = {}): DeploymentTerms => ({ id: 'd', name: 'CL II', slaveIds: null, perHostLimit: 2, ...facts });
const members = (count: number, deployment: DeploymentTerms, facts: Partial<WaitingInstance> = {}): readonly WaitingInstance[] =>
  Array.from({ length: count }, (_, place) => waiting(`m${String(place)}`, 1, { createdAt: at(9, place), deployment, ...facts }));
const decide = (slaves: readonly SlaveView[], queue: readonly WaitingInstance[]): readonly Decision[] => plan(world(slaves), queue, para, at(9)).decisions;
const where = (decisions: readonly Decision[]): readonly string[] => decisions.map((decision) => (decision.kind === 'place' ? decision.slaveId : decision.kind));

describe('members of a deployment', () => {
  it('begin few at a time on each slave, counted within the round and with those that began before', () => {
    const beginning = running('b', 1, { beginsFor: 'd', observed: 'booting' });
    const decisions = decide([slave('lab-1', { running: [beginning] }), slave('lab-2')], members(4, terms()));
    expect(where(decisions)).toEqual(['lab-2', 'lab-1', 'lab-2', 'queue']);
    expect(decisions.at(-1)).toMatchObject({ reason: { code: 'PreparingOthers', sentence: 'lab-1 prepares or boots 2 of CL II already, as many as it may at a time. It starts by itself when one of them runs.' } });
  });

  it('do not wait for those of another deployment, nor for those that run', () => {
    const others = [running('a', 1, { beginsFor: 'another', observed: 'booting' }), running('b', 1), running('c', 1)];
    expect(where(decide([slave('lab-1', { running: others })], members(2, terms())))).toEqual(['lab-1', 'lab-1']);
  });

  it('have nobody sent away while they only wait for each other', () => {
    const weak = running('weak', 8, { pi: 1 });
    const beginning = [running('a', 1, { beginsFor: 'd' }), running('b', 1, { beginsFor: 'd' })];
    const strong = { priority: priority(9) };
    expect(where(decide([slave('lab-1', { running: beginning }), slave('lab-2', { running: [weak] })], members(1, terms(), strong)))).toEqual(['queue']);
    expect(where(decide([slave('lab-1', { running: beginning }), slave('lab-2', { running: [weak] })], members(1, terms({ perHostLimit: 3 }), strong)))).toEqual(['lab-1']);
    expect(where(decide([slave('lab-2', { running: [weak] })], members(1, terms(), strong)))).toEqual(['preempt']);
  });

  it('go to the chosen slaves only, whatever is free elsewhere, and say so', () => {
    const chosen = terms({ slaveIds: ['lab-1'], perHostLimit: 10 });
    const full = slave('lab-1', { running: [running('a', 7, { pi: 9 })] });
    const decisions = decide([full, slave('lab-2')], members(2, chosen));
    expect(where(decisions)).toEqual(['lab-1', 'queue']);
    const [, waits] = decisions;
    expect(waits?.considered.refused).toMatchObject([{ code: 'NotEnoughCores', count: 1 }, { code: 'NotChosen', count: 1 }]);
    expect(waits).toMatchObject({ reason: { code: 'NotEnoughCores', sentence: expect.stringMatching(/ Of all hosts one was chosen for CL II; it runs nowhere else\.$/) as string } });
  });

  it('say what is wrong with the chosen slaves, not with the others', () => {
    const chosen = terms({ slaveIds: ['lab-1'] });
    const reason = (slaves: readonly SlaveView[]) => decide(slaves, members(1, chosen))[0];
    expect(reason([slave('lab-1', { liveness: 'lost' }), slave('lab-2')])).toMatchObject({ kind: 'queue', reason: { code: 'SlaveOffline' } });
    expect(reason([slave('lab-1', { capacity: room(0) }), slave('lab-2')])).toMatchObject({ kind: 'queue', reason: { code: 'NoSlaveFits' } });
    expect(reason([slave('lab-2')])).toMatchObject({ kind: 'queue', reason: { code: 'NotChosen', sentence: expect.stringMatching(/^m0 runs only on hosts that were chosen for CL II, and none of them is in the pool\./) as string } });
  });
});
