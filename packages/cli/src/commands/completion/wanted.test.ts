import type { World } from '../../world';
import { programOf } from '../../program';
import { wantedAt } from './wanted';

const program = programOf({ stdout: process.stdout, stderr: process.stderr } as unknown as World);
const at = (line: string) => wantedAt(program, line.split(' '));

it('offers each argument the things of its own kind, by its place in the line', () => {
  expect(['slaves revoke-token', 'slaves show', 'tokens revoke', 'groups add-member', 'groups add-member CL', 'snapshots create a b', 'images versions', 'notices read', 'why'].map(at)).toEqual(
    ['join-tokens', 'slaves', 'tokens', 'groups', 'users', 'instances', 'image-names', 'notices', 'explained'].map((kind) => ({ things: kind })),
  );
});

it('offers the value of an option what that asks for, and takes it for no argument', () => {
  expect(at('instances launch --group')).toEqual({ things: 'groups' });
  expect(at('instances launch --group CL')).toEqual({ things: 'images' });
  expect(at('--master lab slaves show')).toEqual({ things: 'slaves' });
  expect(at('slaves token --kind')).toEqual({ choices: ['dedicated', 'volunteer'] });
});

it('offers nothing where a new word is wanted, and nothing after the last argument', () => {
  expect(['groups create', 'tokens create', 'instances launch --name', 'slaves show lab', 'login'].map(at)).toEqual([null, null, null, null, null]);
});

it('knows what each argument of every command is', () => {
  const free = new Set(['name', 'file', 'url', 'address', 'pm_file', 'image_file', 'flavor_file', 'command', 'words']);
  const unknown = (command: typeof program): readonly string[] => [
    ...command.registeredArguments.filter((one) => !free.has(one.name()) && one.argChoices === undefined && wantedAt({ ...{}, commands: [], options: [], registeredArguments: [one] } as unknown as typeof program, []) === null).map((one) => `${command.name()} ${one.name()}`),
    ...command.commands.flatMap(unknown),
  ];
  expect(unknown(program)).toEqual([]);
});
