import { commandLine } from './command-line';

it('writes a line for a shell, with the options that were given', () => {
  expect(commandLine(['slaves', 'add', 'root@[fd00::7]:22'], { '--name': "the lab's 07", '--volunteer': true, '--no-approve': false, '--key': '~/key', '--start': undefined })).toBe(String.raw`paravcl slaves add 'root@[fd00::7]:22' --name 'the lab'\''s 07' --volunteer --key '~/key'`);
});
