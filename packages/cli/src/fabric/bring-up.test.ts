import { ApiProblem } from '@paravcl/shared/client/api-problem';
import { NoAnswer } from '@paravcl/shared/client/no-answer';
import type { HostInstall } from '@paravcl/shared/domain/host-install';
import { createHash } from 'node:crypto';
import { mkdtemp, open, readFile, rm, truncate, writeFile, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../context';
import type { ReachedMachine } from './ask-first';
import { bringUp, type BroughtUp } from './bring-up';
import { cameOfIt } from './came-of-it';
import type { FoundImage } from './read-files';

const sizeBytes = 4096;
const flavors = [{ name: 'small', vcpus: 1, ramMiB: 128, diskMiB: 1024 }] as never;

/** A master that keeps what it is told, and fails as a test says. */
class MasterDouble {
  readonly asked: string[] = [];
  readonly said: string[] = [];
  readonly images: { sha256: string; sizeBytes: number; name: string; familyName: string; state: string; friendlyId: string }[] = [];
  readonly installed = new Set<string>();
  /** Machines whose password is another. */
  readonly closed = new Set<string>();
  isGone = false;

  readonly context = {
    call: (key: string, { body }: { body?: Record<string, unknown> } = {}) => this.call(key, body ?? {}),
    list: () => (this.isGone ? Promise.reject(new NoAnswer('unreachable')) : Promise.resolve({ items: this.images, next: null })),
    output: { say: (line: string) => void this.said.push(line), warn: (line: string) => void this.said.push(line), progress: () => undefined, unicode: false, live: false, json: false },
    world: { stderr: { isTTY: false }, env: {}, now: () => 0 },
  } as unknown as Context;

  private call(key: string, body: Record<string, unknown>): Promise<unknown> {
    this.asked.push(key);
    if (this.isGone) return Promise.reject(new NoAnswer('unreachable'));
    if (key === 'put /fabric/types') return Promise.resolve({ types: [{ tid: 1, ...(body['types'] as object[])[0] }] });
    if (key !== 'post /host-installs') return Promise.reject(new Error(`Nobody expected ${key}.`));
    const address = String(body['address']);
    if (address === 'full') return Promise.reject(new ApiProblem({ status: 409, code: 'conflict', title: '', detail: 'Another install of full runs.', trace: '' } as never));
    const opens = !this.closed.has(address);
    if (opens) this.installed.add(address);
    const step = { step: 'login', sentence: opens ? 'root is in.' : 'The password is not root’s.', state: opens ? 'done' : 'failed', percent: null, startedAt: null, endedAt: null };
    return Promise.resolve({ id: address, address, name: opens ? address : null, state: opens ? 'succeeded' : 'failed', sentence: '', steps: [step], findings: [] } as unknown as HostInstall);
  }
}

let directory: string;
let handles: FileHandle[];
let master: MasterDouble;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pvu-'));
  handles = [];
  master = new MasterDouble();
});
afterEach(async () => {
  await Promise.all(handles.map((handle) => handle.close()));
  await rm(directory, { recursive: true });
});

/** An image that the master has already, so that none is sent. */
const image = async (name: string): Promise<FoundImage> => {
  const path = join(directory, name);
  await writeFile(path, Buffer.alloc(sizeBytes, name));
  const file = await open(path);
  handles.push(file);
  return { line: 1, path, name, file, sizeBytes, format: 'raw' } as unknown as FoundImage;
};
const has = async ({ path, name }: FoundImage): Promise<void> => {
  master.images.push({ sha256: createHash('sha256').update(await readFile(path)).digest('hex'), sizeBytes, name, familyName: name, state: 'ready', friendlyId: `img-${name}` });
};
const machine = (host: string): ReachedMachine => ({ user: null, host, port: 22, line: 1, shown: { fingerprint: 'SHA256:x' } }) as unknown as ReachedMachine;
const run = (hosts: readonly string[], images: readonly FoundImage[]): Promise<BroughtUp> =>
  bringUp(master.context, { machines: hosts.map(machine), user: 'root', credentialOf: () => ({ kind: 'password', password: 'x' }), start: 'systemd', images, flavors }, new AbortController().signal);

test('a machine that cannot be installed and an image that cannot be read are named, all else comes up, and the same again does the rest', async () => {
  const [whole, short] = [await image('whole'), await image('short')];
  for (const each of [whole, short]) await has(each);
  await truncate(short.path, 100);
  master.closed.add('pc-2');

  const first = await run(['pc-1', 'pc-2', 'full', 'pc-3'], [short, whole]);
  expect([...first.failed].sort()).toEqual([`${short.path}: the file became shorter while it was read: 100 bytes are left of 4096`, 'full: Another install of full runs.', 'pc-2: login: The password is not root’s.']);
  expect(cameOfIt(first)).toEqual({
    there: ['machines that are there: pc-1, pc-3', 'images that are there: whole', 'types that are there: small'],
    notThere: expect.arrayContaining(['not there: pc-2: login: The password is not root’s.']) as unknown,
  });

  master.closed.clear();
  await writeFile(short.path, Buffer.alloc(sizeBytes, 'short'));
  const second = await run(['pc-1', 'pc-2', 'pc-3'], [short, whole]);
  expect([second.failed, second.images.map(({ name }) => name), [...master.installed].sort()]).toEqual([[], ['short', 'whole'], ['pc-1', 'pc-2', 'pc-3']]);
  expect(master.asked).not.toContain('post /images');
});

test('a master that goes away fails each part in words for people, and nothing is said to be there', async () => {
  const whole = await image('whole');
  master.isGone = true;
  const { failed, ...brought } = await run(['pc-1'], [whole]);
  expect([...failed].sort()).toEqual([whole.path, 'pc-1', 'the types'].sort().map((part) => `${part}: the master did not answer, so nobody knows how far it is.`));
  expect(cameOfIt({ ...brought, failed }).there).toEqual(['machines that are there: none', 'images that are there: none', 'types that are there: none']);
});
