import fc from 'fast-check';
import { lab } from '../../test/core/any-lab';
import { minuteMs, now, site } from '../../test/core/any-world';
import { callBackIsFar, nextCallBack } from './next-call-back';
import { recall } from './recall';
import { slaveNow } from './room-now';
import { booking, rules, running, slave } from './small-world.model';

describe('when a slave calls room back next', () => {
  it('is as long before its next slot as saving all of its guests takes, and stays so while time passes', () => {
    const lab1 = slaveNow(slave('lab-1', { running: [running('guest', 2)], bookings: [booking('r', 8, now + 60 * minuteMs, now + 120 * minuteMs)] }));
    const next = nextCallBack(lab1, now, rules);
    expect(next.dueAt).toBe(recall(lab1, now, rules).dueAt);
    expect(callBackIsFar(next, now)).toBe(true);
    expect(callBackIsFar(next, next.dueAt - 1)).toBe(true);
    expect(callBackIsFar(next, next.dueAt)).toBe(false);
  });

  it('changes nothing until it is near, whenever it was asked for and whenever that is', () => {
    let far = 0;
    const offset = fc.integer({ min: -150, max: 150 });
    fc.assert(
      fc.property(fc.oneof(lab, site), offset, offset, ({ snapshot }, first, then) => {
        for (const view of snapshot.slaves) {
          const slaveThen = slaveNow(view);
          const next = nextCallBack(slaveThen, now + first * minuteMs, snapshot.rules);
          if (view.admission !== 'approved' || view.liveness === 'lost' || !view.hypervisor.usable || !callBackIsFar(next, now + then * minuteMs)) continue;
          far++;
          expect(recall(slaveThen, now + then * minuteMs, snapshot.rules)).toEqual({ slave: slaveThen, victims: [], dueAt: next.dueAt === Infinity ? null : next.dueAt });
        }
      }),
      { numRuns: 300 },
    );
    expect(far).toBeGreaterThan(100);
  });
});
