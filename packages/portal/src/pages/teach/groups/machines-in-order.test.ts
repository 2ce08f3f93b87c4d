import { machinesInOrder } from './machines-in-order';

test('what failed or is out of reach comes first, the rest by person and machine', () => {
  const names = new Map([['a', 'Alice'], ['b', 'Bob']]);
  const machines = [
    { userId: 'b', name: 'vm-1', observed: 'running' },
    { userId: 'a', name: 'vm-10', observed: 'stopped' },
    { userId: 'a', name: 'vm-9', observed: 'running' },
    { userId: 'b', name: 'vm-2', observed: 'lost' },
    { userId: 'a', name: 'vm-3', observed: 'failed' },
  ] as const;
  expect(machinesInOrder(machines, names, 'en').map(({ name }) => name)).toEqual(['vm-3', 'vm-2', 'vm-9', 'vm-10', 'vm-1']);
});
