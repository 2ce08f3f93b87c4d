import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../context';
import { machineCredentials } from './machine-credentials';

const asked: string[] = [];
const context = { questions: { canAsk: true, askSecretly: (question: string) => { asked.push(question); return Promise.resolve('typed'); } }, output: { warn: () => undefined } } as unknown as Context;
const pem = (name: string): string => `-----BEGIN RSA PRIVATE KEY-----\n${name}\n-----END RSA PRIVATE KEY-----\n`;
const machines = [{ user: null, host: 'PC-1.', port: 22 }, { user: 'lab', host: 'fd00::7', port: 2222 }];
let directory: string;
let key: string;

beforeEach(async () => {
  asked.length = 0;
  directory = await mkdtemp(join(tmpdir(), 'pvk-'));
  key = join(directory, 'a=key');
  await writeFile(key, pem('other'), { mode: 0o600 });
});
afterEach(() => rm(directory, { recursive: true }));

test('a machine is opened by its own key, every other by what is asked for once', async () => {
  const of = await machineCredentials(context, machines, { keyFor: [`[fd00::7]:2222=${key}`] }, 'root');
  expect(machines.map(of)).toEqual([{ kind: 'password', password: 'typed' }, { kind: 'key', privateKey: pem('other') }]);
  expect(asked).toEqual(['Password of root: ']);
});

test('nothing is asked for where each has its own', async () => {
  const of = await machineCredentials(context, machines, { keyFor: [`[fd00::7]:2222=${key}`, `pc-1=${key}`] }, 'root');
  expect([machines.map(of).map(({ kind }) => kind), asked]).toEqual([['key', 'key'], []]);
});

test.each([['pc-1', /takes MACHINE=FILE/], ['pc-9=x', /names pc-9, which is not in the file/], ['pc-1:2222=x', /names pc-1:2222, which is not/]])('--key-for %s is refused', async (said, why) => {
  await expect(machineCredentials(context, machines, { keyFor: [said] }, 'root')).rejects.toThrow(why);
});
