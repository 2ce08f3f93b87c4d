import { hostLabelSchema } from '@paravcl/shared/domain/limits';
import { memberNames } from './member-names';

const instanceId = '019a0000-0000-7000-8000-00000000beef';
const names = (deploymentName: string, slot: number, userName: string | null = null): readonly string[] => memberNames({ deploymentName, slot, userName, instanceId });

test('a member is named after its deployment and its slot, or after its owner', () => {
  expect(names('CL II: Übung 3', 7)[0]).toBe('cl-ii-u-bung-3-07');
  expect(names('Lab', 123)[0]).toBe('lab-123');
  expect(names('Lab', 7, 'a.turing')[0]).toBe('lab-a-turing');
});

test('where a name is taken there are others, the last of which nobody else has', () => {
  expect(names('Lab', 1)).toEqual(['lab-01', 'lab-01-2', 'lab-01-3', 'lab-01-beef', 'lab-01-00000000beef']);
});

test('every name is a host label, however long or strange the deployment is called', () => {
  for (const name of ['x'.repeat(100), 'деплой', '!!!', `${'a'.repeat(45)}-----b`]) {
    for (const userName of [null, 'u'.repeat(32), 'a-']) for (const label of names(name, 500, userName)) expect([label, hostLabelSchema.safeParse(label).success]).toEqual([label, true]);
  }
});
