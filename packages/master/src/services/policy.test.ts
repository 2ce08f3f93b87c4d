import { actions, type Action } from '@paravcl/shared/api/actions';
import { roleSchema, type Principal, type Role } from '@paravcl/shared/domain/people';
import { authorise, authoriseRole, may, mayDeployFor, reach } from './policy';

const person = (role: Role, more: Partial<Principal> = {}): Principal => ({ userId: 'me', userName: 'me', role, groupIds: [], ownedGroupIds: [], sessionId: 's', ...more });
const mine = { ownerUserId: 'me', groupId: null };
const others = { ownerUserId: 'somebody', groupId: 'g1' };
const site = { ownerUserId: null, groupId: null };

/** DEFINITIONS, "Roles", said a second time and another way: what each role may do to things of other people. */
const toOthers: Readonly<Record<Role, readonly Action[]>> = {
  student: ['image.list', 'image.see', 'capacity.see'],
  teacher: ['image.list', 'image.see', 'capacity.see'],
  operator: [
    'slave.list', 'slave.see', 'slave.operate', 'slave.install', 'join-token.create', 'join-token.create-dedicated', 'join-token.list', 'join-token.revoke',
    'image.list', 'image.see', 'image.create', 'image.edit', 'image.download', 'image.delete', 'image.spread', 'store.see', 'store.operate',
    'template.list', 'template.see', 'template.create', 'template.edit', 'template.delete', 'instance.list', 'instance.see', 'instance.operate', 'instance.console', 'instance.publish', 'connection.list', 'connection.end',
    'deployment.create', 'deployment.list', 'deployment.see', 'deployment.edit', 'deployment.operate', 'snapshot.list', 'snapshot.see', 'snapshot.create', 'snapshot.operate', 'group.list', 'group.see', 'home.see', 'home.edit', 'operation.list', 'operation.see', 'event.list',
    'reservation.list', 'reservation.see', 'reservation.operate', 'decision.see', 'decision.inputs', 'decision.replay', 'queue.see', 'capacity.see', 'pool.see', 'monitoring.see', 'fabric.see', 'policy.see',
  ],
  // Administering is not taking: a claim is always for oneself, and a token speaks for its owner alone.
  admin: actions.filter((action) => action !== 'reservation.claim' && action !== 'api-token.own'),
};

test.each(roleSchema.options)('a %s may do exactly what the definitions say to things of others', (role) => {
  expect(actions.filter((action) => may(person(role), action, others))).toEqual(actions.filter((action) => toOthers[role].includes(action)));
});

test('the other student is a stranger: nothing of theirs can be seen, and its existence is not told', () => {
  for (const action of actions.filter((each) => /^(instance|template|deployment|operation|user|join-token|slave|reservation|decision|queue|connection|api-token|pool|monitoring|fabric|policy)\./.test(each))) {
    expect([action, may(person('student', { groupIds: ['g1'] }), action, others)]).toEqual([action, false]);
  }
  expect(() => authorise(person('student'), 'instance.operate', 'instance.see', others, 'instance i-1')).toThrow(expect.objectContaining({ code: 'not-found' }));
});

test('a teacher reaches what members run in the own groups, not in others', () => {
  const teacher = person('teacher', { ownedGroupIds: ['g1'] });
  expect(may(teacher, 'instance.operate', others)).toBe(true);
  expect(may(teacher, 'instance.operate', { ...others, groupId: 'g2' })).toBe(false);
  expect(may(person('student', { ownedGroupIds: ['g1'] }), 'instance.operate', others)).toBe(false);
});

test('machines are deployed for oneself, by a teacher for the people of the own groups, and by who runs the site for everybody', () => {
  const member = { id: 'somebody', groupIds: ['g1', 'g2'] };
  expect(roleSchema.options.filter((role) => mayDeployFor(person(role), { id: 'me', groupIds: [] }))).toEqual(roleSchema.options);
  expect(roleSchema.options.filter((role) => mayDeployFor(person(role), member))).toEqual(['operator', 'admin']);
  expect(mayDeployFor(person('teacher', { ownedGroupIds: ['g2'] }), member)).toBe(true);
  expect(mayDeployFor(person('teacher', { groupIds: ['g1'], ownedGroupIds: ['g3'] }), member)).toBe(false);
  expect(mayDeployFor(person('student', { groupIds: ['g1'], ownedGroupIds: ['g1'] }), member)).toBe(false);
});

test('members of the group a reservation is for see it, claim from it and learn why, and leave it to its owner otherwise', () => {
  const shared = { ...others, sharedWithGroupId: 'g1' };
  const allowed = (principal: Principal): Action[] => actions.filter((action) => may(principal, action, shared) && !may(person(principal.role), action, others));
  expect(allowed(person('student', { groupIds: ['g1'] }))).toEqual(['reservation.see', 'reservation.claim', 'decision.see']);
  expect(allowed(person('student', { groupIds: ['g2'] }))).toEqual([]);
  expect(allowed(person('admin', { groupIds: ['g1'] }))).toEqual(['reservation.claim']);
  expect(() => authorise(person('student', { groupIds: ['g1'] }), 'reservation.operate', 'reservation.see', shared, 'reservation')).toThrow(expect.objectContaining({ code: 'forbidden' }));
});

test('an operator has no say over people and policy, and nobody but an admin over things of the site', () => {
  for (const action of actions.filter((each) => each.startsWith('user.') || /group\.(create|edit|delete)/.test(each))) expect(reach(person('operator'), action)).toBe('no');
  expect(roleSchema.options.filter((role) => may(person(role), 'group.edit', site))).toEqual(['admin']);
});

test('whoever may see but not act is told forbidden; a role that never may is told at the edge', () => {
  expect(() => authorise(person('operator'), 'instance.create', 'instance.see', others, 'instance i-1')).toThrow(expect.objectContaining({ code: 'forbidden' }));
  expect(() => authorise(person('student'), 'instance.operate', 'instance.see', mine, 'instance i-1')).not.toThrow();
  expect(() => authoriseRole(person('student'), 'event.list')).toThrow(expect.objectContaining({ code: 'forbidden' }));
  expect(() => authoriseRole(person('student'), 'instance.create')).not.toThrow();
});

test('who may not delete images is told how the images of their own snapshots go', () => {
  expect(() => authoriseRole(person('student'), 'image.delete')).toThrow('Images of your own snapshots go with their snapshot: paravcl snapshots delete NAME.');
  expect(() => authoriseRole(person('student'), 'image.edit')).toThrow(/^((?!snapshots\/).)*$/);
});

test('a refusal names the role with its article', () => {
  expect(() => authoriseRole(person('operator'), 'user.create')).toThrow(/^An operator may not do this \(user\.create\)\./);
  expect(() => authoriseRole(person('student'), 'event.list')).toThrow(/^A student may not do this \(event\.list\)\./);
});
