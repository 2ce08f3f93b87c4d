import { para } from '../core/small-world.model';
import { policyTried } from './named-policies';

describe('a policy that is tried', () => {
  it('is the one in force where nothing is said, with rules as they were', () => {
    expect(policyTried({}, para)).toEqual({ name: 'para/para', policies: para, rules: {} });
  });

  it('is named with every rule that differs', () => {
    expect(policyTried({ agingPerHour: 0.5 }, para)).toMatchObject({ name: 'para/para with aging of 0.5 an hour', rules: { agingPerHour: 0.5 } });
    expect(policyTried({ ordering: 'fifo', criticalLimitPercent: 20, agingPerHour: 0 }, para)).toMatchObject({ name: 'fifo/para with a critical limit of 20 % and aging of 0 an hour', rules: { criticalShare: 0.2, agingPerHour: 0 } });
  });
});
