import { execFileSync } from 'node:child_process';
import { constants, openSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { run } from '../program';
import { passwordIn } from '../hosts/credential';
import { readFabricFiles } from '../fabric/read-files';
import type { Input, World } from '../world';
import { readSmallFile, textFrom } from './plain-file';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pvt-'));
  execFileSync('mkfifo', [join(directory, 'pipe')]);
});
afterAll(() => rm(directory, { recursive: true }));

const fileOf = async (text: string): Promise<string> => {
  const path = join(directory, 'file');
  await writeFile(path, text);
  return path;
};

it('reads a small file whole, and none that has no end, is no file, or is larger', async () => {
  expect((await readSmallFile(await fileOf('ten bytes.'), 10)).toString()).toBe('ten bytes.');
  await expect(readSmallFile(await fileOf('ten bytes.'), 9)).rejects.toThrow('has 10 bytes, and at most 9 are read: is it another file?');
  await expect(readSmallFile('/proc/self/status', 9)).rejects.toThrow('has more than 9 bytes');
  await expect(readSmallFile('/dev/zero', 100)).rejects.toThrow('is no plain file');
  await expect(readSmallFile(join(directory, 'pipe'), 100)).rejects.toThrow('is no plain file');
  await expect(readSmallFile(directory, 100)).rejects.toThrow('is a directory');
  await expect(readSmallFile(join(directory, 'none'), 100)).rejects.toThrow('is not there');
});

it('reads no more of standard input either', async () => {
  const endless = Readable.from((function* () { for (;;) yield Buffer.alloc(1024); })()) as Input;
  await expect(textFrom({ stdin: endless }, '-', 10_000)).rejects.toMatchObject({ exitCode: 2, message: 'Standard input has more than 10000 bytes.' });
});

it('reads what a shell hands over for <(…), which is a pipe and ends', async () => {
  const fifo = join(directory, 'handed');
  execFileSync('mkfifo', [fifo]);
  const fd = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  execFileSync('sh', ['-c', 'printf "secret\\n" > "$0"', fifo]);
  expect(await passwordIn({ stdin: Readable.from([]) as Input }, `/dev/fd/${String(fd)}`)).toBe('secret');
  await expect(textFrom({ stdin: Readable.from([]) as Input }, '/dev/fd/9999', 10)).rejects.toMatchObject({ exitCode: 2 });
});

it('tells lists of a fabric that are devices or pipes as faults of their own', async () => {
  const { faults } = await readFabricFiles('/dev/zero', join(directory, 'pipe'), directory);
  expect(faults.map(({ file, sentence }) => [file, sentence])).toEqual([['/dev/zero', 'the file cannot be read: it is no plain file.'], [join(directory, 'pipe'), 'the file cannot be read: it is no plain file.'], [directory, 'the file cannot be read: it is a directory: name the file in it.']]);
});

it('says in a sentence what is wrong with a file of a password', async () => {
  const world = { stdin: new PassThrough() as Input };
  await expect(passwordIn(world, join(directory, 'none'))).rejects.toMatchObject({ exitCode: 2, message: `${join(directory, 'none')} is not there.` });
  await expect(passwordIn(world, directory)).rejects.toMatchObject({ exitCode: 2, message: `${directory} is a directory: name the file in it.` });
  await expect(passwordIn(world, await fileOf('\n'))).rejects.toMatchObject({ exitCode: 2, message: 'The password is empty.' });
  expect(await passwordIn(world, await fileOf('a secret \r\n'))).toBe('a secret ');
});

it.each(['__proto__', '', '-x', 'a b', 'a'.repeat(101)])('takes no name for a master that cannot be kept or said again, before anything is asked: %j', async (name) => {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const world: World = { env: { XDG_CONFIG_HOME: directory }, home: directory, stdin, stdout, stderr, now: () => 0, interruptible: (work) => work(new AbortController().signal) };
  expect(await run(world, ['login', 'https://127.0.0.1:1', `--as=${name}`])).toBe(2);
  expect(String(stderr.read())).toContain('Error: --as takes a name');
});
