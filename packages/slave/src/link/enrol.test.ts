import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Describe } from '@paravcl/shared/domain/slave';
import { newId } from '@paravcl/shared/ids';
import { enrolmentRequestSchema } from '@paravcl/shared/protocol/agent-to-master';
import { testCertificate } from '../../test/fixtures/certificate';
import { enrol } from './enrol';
import { readEnrolment, trustOf } from './enrolment-record';
import { readAgentKey } from './identity';

const secret = 'k'.repeat(43);
const fingerprint = (): string => createHash('sha256').update(new X509Certificate(testCertificate().cert).raw).digest('base64url');
const describeData = {
  hostname: 'h', cores: 1, threads: 1, relativeSpeed: 1, cpuModel: 'm', cpuFlags: [], ramTotalMiB: 1, ramAvailableMiB: 1, poolTotalMiB: 1, poolAvailableMiB: 1,
  hypervisor: { kind: 'qemu', why: '', usable: true, libvirt: null, qemu: null, machine: null, cpu: null }, interfaces: [], load1: 0, clockOffsetMs: null,
} satisfies Describe;

let stateDir: string;
let server: Server;
let requests: string[];
/** Null: the connection breaks instead. */
let answer: { status: number; body: unknown } | null;
const slaveId = newId(1);
const siteId = newId(2);

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'enrol-'));
  requests = [];
  answer = { status: 201, body: { slaveId, siteId, admission: 'pending' } };
  server = createServer(testCertificate(), (request, response) => {
    let text = '';
    request.on('data', (part) => (text += String(part)));
    request.on('end', () => {
      requests.push(text);
      if (answer === null) return void response.destroy();
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.close();
  await rm(stateDir, { recursive: true });
});

const options = (token: string, again = false) => ({
  stateDir,
  memories: [join(stateDir, 'journal'), join(stateDir, 'last-report.json')],
  masterUrl: `https://127.0.0.1:${(server.address() as { port: number }).port}`,
  token,
  name: 'lab-pc-07',
  machineId: '0'.repeat(32),
  macs: ['52:54:00:00:00:01'],
  describe: describeData,
  again,
});

test('pins the certificate of the token, makes a private key and keeps the answer', async () => {
  await enrol(options(` pvj1.${secret}.${fingerprint()}\n`));
  expect(enrolmentRequestSchema.parse(JSON.parse(requests[0] ?? '')).token).toBe(`pvj1.${secret}.${fingerprint()}`);
  const record = await readEnrolment(stateDir);
  expect(record).toMatchObject({ slaveId, siteId, name: 'lab-pc-07', trust: 'pinned' });
  if (record === null) throw new Error('not enrolled');
  expect(new X509Certificate((await trustOf(stateDir, record)).ca?.[0] ?? '').fingerprint256).toBe(new X509Certificate(testCertificate().cert).fingerprint256);
  expect((await stat(join(stateDir, 'agent-key.pem'))).mode & 0o777).toBe(0o600);
  expect((await readAgentKey(stateDir))?.publicKey).toBe((JSON.parse(requests[0] ?? '') as { publicKey: string }).publicKey);
});

test('sends nothing to a master that is not the one of the token', async () => {
  await expect(enrol(options(`pvj1.${secret}.${'A'.repeat(43)}`))).rejects.toThrow(/not the master this token is for.*Nothing was sent/);
  expect(requests).toEqual([]);
  expect(await readEnrolment(stateDir)).toBeNull();
});

test('a publicly trusted token does not make an unknown certificate trusted', async () => {
  await expect(enrol(options(`pvj1.${secret}.-`))).rejects.toThrow(/cannot be reached safely/);
  expect(requests).toEqual([]);
});

test('a refusal is told in the master’s words and can be tried again with the same key', async () => {
  answer = { status: 401, body: { title: 'Token refused', detail: 'This token was used before.', code: 'token-refused' } };
  await expect(enrol(options(`pvj1.${secret}.${fingerprint()}`))).rejects.toThrow('The master refused: This token was used before.');
  answer = { status: 201, body: { slaveId, siteId, admission: 'approved' } };
  expect(await enrol(options(`pvj1.${secret}.${fingerprint()}`))).toMatchObject({ admission: 'approved' });
});

test('an enrolled host enrols anew only when told to, with a new key', async () => {
  await enrol(options(`pvj1.${secret}.${fingerprint()}`));
  const key = await readFile(join(stateDir, 'agent-key.pem'), 'utf8');
  await expect(enrol(options(`pvj1.${secret}.${fingerprint()}`))).rejects.toThrow(/already enrolled.*--again/);
  await enrol(options(`pvj1.${secret}.${fingerprint()}`, true));
  expect(await readFile(join(stateDir, 'agent-key.pem'), 'utf8')).not.toBe(key);
});

test('a refused, broken or unheard attempt to enrol anew leaves the earlier enrolment as it was', async () => {
  await enrol(options(`pvj1.${secret}.${fingerprint()}`));
  await mkdir(join(stateDir, 'journal'));
  await writeFile(join(stateDir, 'journal', 'journal'), 'orders');
  await writeFile(join(stateDir, 'last-report.json'), '[]');
  const inForce = async (): Promise<readonly string[]> =>
    Promise.all(['enrolment.json', 'agent-key.pem', 'ca.pem', 'last-report.json', 'journal/journal'].map((name) => readFile(join(stateDir, name), 'utf8')));
  const before = await inForce();
  const again = (): Promise<unknown> => enrol(options(`pvj1.${secret}.${fingerprint()}`, true));
  for (const [refusal, words] of [
    [{ status: 401, body: { detail: 'This token has expired.' } }, /has expired/],
    [{ status: 201, body: 'welcome' }, /something else than the id of a host/],
    [null, /cannot be reached safely/],
  ] as const) {
    answer = refusal;
    await expect(again()).rejects.toThrow(words);
    expect(await inForce()).toEqual(before);
  }
  const newSlaveId = newId(3);
  answer = { status: 201, body: { slaveId: newSlaveId, siteId, admission: 'pending' } };
  await again();
  expect(await readEnrolment(stateDir)).toMatchObject({ slaveId: newSlaveId });
  expect((await readAgentKey(stateDir))?.publicKey).toBe((JSON.parse(requests.at(-1) ?? '') as { publicKey: string }).publicKey);
  // Nothing of the old site's orders, and no key besides the one in force, is left.
  expect((await readdir(stateDir)).sort()).toEqual(['agent-key.pem', 'ca.pem', 'enrolment.json']);
});

test.each(['nonsense', 'pvj1.short.-'])('%s is not a join token', async (token) => {
  await expect(enrol(options(token))).rejects.toThrow(/not a join token/);
});
