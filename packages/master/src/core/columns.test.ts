import { Columns } from './columns';
import { nineOClock, room, slave, waiting } from './small-world.model';
import { promised, slaveNow, type SlaveNow } from './room-now';
import type { SlaveView } from './snapshot';

const columnsOf = (slaves: readonly SlaveNow[], key: (view: SlaveView) => number): Columns => new Columns(slaves, (view) => [key(view)]);

describe('writing a row says whether lists of it may be others now', () => {
  const [one, two] = [slaveNow(slave('one')), slaveNow(slave('two'))];
  const renewed = (facts: Partial<SlaveView>): SlaveNow => slaveNow({ ...one.view, ...facts });

  it('not where every figure and key is as before', () => {
    const columns = columnsOf([one, two], ({ promised: { vcpus } }) => vcpus);
    expect(columns.write(0, renewed({}))).toBe(false);
    const after = promised(one, waiting('guest', 1), nineOClock);
    expect(columns.write(0, after)).toBe(true);
    expect(columns.write(0, slaveNow({ ...one.view, promised: after.promised, poolAvailableMiB: after.poolAvailableMiB, running: after.running }))).toBe(false);
  });

  it('where a key alone is another', () => {
    let key = 1;
    const columns = columnsOf([one, two], () => key);
    key = 2;
    expect(columns.write(0, renewed({}))).toBe(true);
    expect(columns.write(0, renewed({}))).toBe(false);
  });

  it.each<[string, Partial<SlaveView>]>([
    ['its room', { capacity: room(3) }],
    ['what is promised', { promised: room(1) }],
    ['its disk', { poolAvailableMiB: 1 }],
    ['whether it takes part', { connected: false }],
  ])('where %s is another', (_, facts) => {
    expect(columnsOf([one, two], () => 0).write(0, renewed(facts))).toBe(true);
  });
});
