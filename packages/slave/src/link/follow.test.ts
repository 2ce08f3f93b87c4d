import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import { encodeFrame } from '@paravcl/shared/protocol/envelope';
import { agentLinkPath, oldestProtocolVersion, protocolVersion } from '@paravcl/shared/protocol/version';
import { WebSocketServer } from 'ws';
import { testCertificate } from '../../test/fixtures/certificate';
import { readEnrolment, trustOf, writeEnrolment, type EnrolmentRecord } from './enrolment-record';
import { follow } from './follow';

const fingerprint = createHash('sha256').update(new X509Certificate(testCertificate().cert).raw).digest('base64url');
const before: EnrolmentRecord = { masterUrl: 'https://old.example:8443', slaveId: newId(1), siteId: newId(2), name: 'lab-pc-07', trust: 'pinned' };
let stateDir: string;
let server: Server;
let masterUrl: string;
/** What a master says first; null: nobody answers where agents dial. */
let greeting: string | null;

const challengeOf = (siteId: string): string => encodeFrame(protocolVersion, newId(3), { type: 'challenge', payload: { siteId, nonce: 'n'.repeat(43), protocol: { newest: protocolVersion, oldest: oldestProtocolVersion } } });

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'follow-'));
  greeting = challengeOf(before.siteId);
  // As any web server does.
  server = createServer(testCertificate(), (_, response) => void response.writeHead(200).end());
  const links = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    if (greeting === null || request.url !== agentLinkPath) return void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    links.handleUpgrade(request, socket, head, (link) => link.send(greeting ?? ''));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  masterUrl = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.close();
  await rm(stateDir, { recursive: true });
});

const go = (more: Partial<Parameters<typeof follow>[0]> = {}): ReturnType<typeof follow> => follow({ stateDir, masterUrl, caFingerprint: fingerprint, clock: systemClock, ...more });

test('a host that is enrolled goes on by the address its master has now, believed by the authority that is named, and is the same host', async () => {
  await writeEnrolment(stateDir, before);
  await writeFile(join(stateDir, 'ca.pem'), 'the authority of before');
  await writeFile(join(stateDir, 'agent-key.pem'), 'its key');
  await go({ masterUrl: `${masterUrl}/some/path` });
  const record = await readEnrolment(stateDir);
  expect(record).toEqual({ ...before, masterUrl });
  expect(new X509Certificate((await trustOf(stateDir, record ?? before)).ca?.[0] ?? '').fingerprint256).toBe(new X509Certificate(testCertificate().cert).fingerprint256);
  expect(await readFile(join(stateDir, 'agent-key.pem'), 'utf8')).toBe('its key');
});

test('where no authority is named the one of before has to vouch for it', async () => {
  await writeEnrolment(stateDir, before);
  await writeFile(join(stateDir, 'ca.pem'), testCertificate().cert);
  await go({ caFingerprint: undefined });
  expect(await readEnrolment(stateDir)).toEqual({ ...before, masterUrl });
  await writeEnrolment(stateDir, { ...before, trust: 'public' });
  await expect(go({ caFingerprint: undefined })).rejects.toThrow(/cannot be reached safely: .*\. The authority of before does not vouch for it\. Nothing was changed\. .*: paravcl-slave follow --master https:\/\/127\.0\.0\.1:\d+ --ca-fingerprint FINGERPRINT/);
});

test('where the authority of before is gone, one has to be named', async () => {
  await writeEnrolment(stateDir, before);
  await expect(go({ caFingerprint: undefined })).rejects.toThrow(/^\S+\/ca\.pem is not there, .* Nothing was changed\. Name who does: paravcl-slave follow --master https:\/\/127\.0\.0\.1:\d+ --ca-fingerprint FINGERPRINT/);
  expect(await go()).toMatchObject({ masterUrl, isNew: true });
});

test('the address and the authority that it has already leave its files as they are; another authority there is written down', async () => {
  await writeEnrolment(stateDir, { ...before, masterUrl });
  await writeFile(join(stateDir, 'ca.pem'), 'the authority of before');
  expect(await go()).toMatchObject({ masterUrl, isNew: true });
  const files = (): Promise<readonly number[]> => Promise.all(['enrolment.json', 'ca.pem'].map(async (name) => (await stat(join(stateDir, name))).ino));
  const written = await files();
  for (const caFingerprint of [fingerprint, undefined]) expect(await go({ caFingerprint, masterUrl: `${masterUrl}/path` })).toMatchObject({ name: before.name, masterUrl, isNew: false });
  expect(await files()).toEqual(written);
});

test('where another answers, nobody does, or no master is, nothing is changed and it is said why', async () => {
  await writeEnrolment(stateDir, before);
  await writeFile(join(stateDir, 'ca.pem'), 'the authority of before');
  const refusals = async (): Promise<void> => {
    await expect(go({ caFingerprint: 'A'.repeat(43) })).rejects.toThrow(/^127\.0\.0\.1:\d+ is not the master that was named: .* Nothing was changed\./);
    await expect(go({ caFingerprint: null })).rejects.toThrow(/cannot be reached safely/);
    await expect(go({ masterUrl: 'http://127.0.0.1' })).rejects.toThrow(/begins with https/);
    greeting = null;
    await expect(go()).rejects.toThrow(/answers with status 200: is a ParaVCL master there\?/);
    greeting = '{"hello":"world"}';
    await expect(go()).rejects.toThrow(/greets with something else than a challenge: is a ParaVCL master there\?/);
    server.close();
    server.closeAllConnections();
    await expect(go()).rejects.toThrow(/nothing listens there/);
  };
  await refusals();
  expect([await readEnrolment(stateDir), await readFile(join(stateDir, 'ca.pem'), 'utf8')]).toEqual([before, 'the authority of before']);
});

test('another site of the same authority changes nothing', async () => {
  await writeEnrolment(stateDir, before);
  await writeFile(join(stateDir, 'ca.pem'), testCertificate().cert);
  greeting = challengeOf(newId(4));
  for (const caFingerprint of [undefined, fingerprint]) await expect(go({ caFingerprint })).rejects.toThrow(/^127\.0\.0\.1:\d+ is another master than the one this host is enrolled at \(https:\/\/old\.example:8443\).* Nothing was changed\./);
  expect([await readEnrolment(stateDir), await readFile(join(stateDir, 'ca.pem'), 'utf8')]).toEqual([before, testCertificate().cert]);
});

test('a host that is enrolled nowhere has no master to follow', async () => {
  await expect(go()).rejects.toThrow(/enrolled nowhere/);
  expect(await readEnrolment(stateDir)).toBeNull();
});
