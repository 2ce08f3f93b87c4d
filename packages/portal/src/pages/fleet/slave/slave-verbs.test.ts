import { slaveVerbs } from './slave-verbs';

const online = { admission: 'approved', liveness: 'online', evacuation: null } as const;

describe('what is offered for a slave', () => {
  it('leaves one alone that is being emptied, but for taking it back', () => {
    expect(slaveVerbs({ ...online, admission: 'draining', evacuation: { left: 1, of: 3, sentence: '' } }, 'operator')).toEqual(['undrain', 'edit', 'retire', 'remove']);
  });

  it('is to declare it dead only for admins, and only when nothing is heard of it', () => {
    expect(slaveVerbs({ ...online, liveness: 'lost' }, 'admin')).toEqual(['drain', 'edit', 'retire', 'declareDead', 'remove']);
    expect(slaveVerbs({ ...online, liveness: 'lost' }, 'operator')).not.toContain('declareDead');
    expect(slaveVerbs(online, 'admin')).not.toContain('declareDead');
  });

  it('is nothing for one that left, or for people who do not run the lab', () => {
    expect(slaveVerbs({ ...online, admission: 'retired' }, 'admin')).toEqual([]);
    expect(slaveVerbs(online, 'student')).toEqual([]);
  });
});
