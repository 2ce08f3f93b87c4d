import type { Principal, Role } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import { sampleInstance } from '../../test/it/sample-records';
import type { InstanceRecord } from '../core/instance-record';
import { GuestPorts, runningMachine } from './guest-ports';

const [alice, groupId, slaveId] = [newId(1), newId(2), newId(3)];
const person = (role: Role, facts: Partial<Principal> = {}): Principal => ({ userId: newId(4), userName: 'somebody', role, groupIds: [], ownedGroupIds: [], sessionId: '', ...facts });
const machine = (facts: Partial<InstanceRecord> = {}): InstanceRecord => sampleInstance({ name: 'i-ubuntu-9af', userId: alice, groupId, observed: 'running', slaveId, ...facts });

test.each([
  ['its owner', person('student', { userId: alice })],
  ['a teacher of its group', person('teacher', { ownedGroupIds: [groupId] })],
  ['an operator', person('operator')],
  ['an administrator', person('admin')],
])('%s is connected', (_, principal) => {
  expect(runningMachine(principal, 'i-ubuntu-9af', machine())).toMatchObject({ slaveId });
});

test.each([
  ['another student', person('student')],
  ['a student of the same group', person('student', { groupIds: [groupId] })],
  ['a teacher of another group', person('teacher', { ownedGroupIds: [newId(5)] })],
])('%s is told what is told of a machine that does not exist', (_, principal) => {
  const said = (found: InstanceRecord | null): string => {
    try {
      runningMachine(principal, 'i-ubuntu-9af', found);
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error('It was let in.');
  };
  expect(said(machine())).toBe(said(null));
  // Nor is its state told.
  expect(said(machine({ observed: 'suspended', desired: 'suspended' }))).toBe(said(null));
});

test.each([
  [{ observed: 'booting' }],
  [{ observed: 'suspending', desired: 'suspended' }],
  // It is to be off: its slave may have ended it already.
  [{ observed: 'running', desired: 'stopped' }],
  [{ observed: 'lost' }],
  [{ observed: 'requested', slaveId: null }],
] as const)('its owner is told when it does not run: %j', (facts) => {
  expect(() => runningMachine(person('student', { userId: alice }), 'i-ubuntu-9af', machine(facts))).toThrow(/^i-ubuntu-9af is ([a-z]+, not running|being stopped)\. Start or resume it first\.$/);
});

test('what is no name of a machine is not repeated', () => {
  expect(() => runningMachine(person('student'), '10.77.0.9\u001b[31m', null)).toThrow('There is no machine of that name that is yours. Use its name as the portal shows it, not an address.');
});

test('port 22 is always open, and each other once', () => {
  const never = (): never => {
    throw new Error('Nobody expected this.');
  };
  expect(new GuestPorts({ unit: null as never, ports: [8080, 22, 80, 80], connections: { open: never }, relay: { join: never } }).ports).toEqual([22, 80, 8080]);
});
