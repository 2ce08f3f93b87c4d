import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { serverIdentity, type ServerIdentity } from './server-identity';

const dayMs = 24 * 3600 * 1000;
const url = 'https://lab.example:8443';

let directory: string;
let made: ServerIdentity;
const own = (now: Date, names: string[] = ['192.0.2.7', '2001:db8::7']): Promise<ServerIdentity> => serverIdentity({ names }, url, join(directory, 'tls'), now);

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'paravcl-tls-'));
  made = await own(new Date());
});
afterAll(() => rmSync(directory, { recursive: true }));

test('the first start makes a CA for ten years and a certificate for a year, on EC P-256, keys for the owner only', () => {
  const ca = new X509Certificate(made.caPem ?? '');
  const leaf = new X509Certificate(made.cert);
  expect(ca.ca).toBe(true);
  expect((Date.parse(ca.validTo) - Date.now()) / dayMs).toBeGreaterThan(3640);
  expect(leaf.ca).toBe(false);
  expect((made.validUntil.getTime() - Date.now()) / dayMs).toBeCloseTo(365, 0);
  expect(ca.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
  for (const name of ['localhost', hostname(), 'lab.example']) expect(leaf.checkHost(name)).toBe(name);
  for (const address of ['127.0.0.1', '::1', '192.0.2.7', '2001:db8::7']) expect(leaf.checkIP(address)).toBeDefined();
  expect(leaf.checkHost('elsewhere.example')).toBeUndefined();
  expect(statSync(join(directory, 'tls')).mode & 0o777).toBe(0o700);
  for (const key of ['ca.key', 'server.key']) expect(statSync(join(directory, 'tls', key)).mode & 0o777).toBe(0o600);
});

test('a client that trusts the CA alone connects, and finds the fingerprint of the join token in the chain sent', async () => {
  const server = createServer({ key: made.key, cert: made.cert }).listen(0, '127.0.0.1');
  try {
    await new Promise((resolve) => server.once('listening', resolve));
    const peer = await new Promise<DetailedPeerCertificate>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, servername: 'localhost', ca: made.caPem ?? '' }, () => {
        resolve(socket.getPeerCertificate(true));
        socket.destroy();
      });
      socket.once('error', reject);
    });
    expect(createHash('sha256').update(peer.issuerCertificate.raw).digest('base64url')).toBe(made.caFingerprint);
  } finally {
    server.close();
  }
});

test('the next start uses the same certificate; near its end or with other names it gets a new one from the same CA', async () => {
  expect(await own(new Date())).toEqual(made);
  expect(await own(new Date(Date.now() + 330 * dayMs))).toEqual(made);
  const renewed = await own(new Date(Date.now() + 340 * dayMs));
  expect(renewed.cert).not.toBe(made.cert);
  const renamed = await own(new Date(), ['other.example']);
  expect(new X509Certificate(renamed.cert).checkHost('other.example')).toBe('other.example');
  expect(renamed.caFingerprint).toBe(made.caFingerprint);
  made = renamed;
});

test('a configured certificate is used as it is; its CA is pinned when it is named', async () => {
  const cert = join(directory, 'cert.pem');
  const key = join(directory, 'key.pem');
  const ca = join(directory, 'ca.pem');
  writeFileSync(cert, new X509Certificate(made.cert).toString());
  writeFileSync(key, made.key);
  writeFileSync(ca, made.caPem ?? '');
  const configured = (now: Date, more = {}): Promise<ServerIdentity> => serverIdentity({ names: [], certFile: cert, keyFile: key, ...more }, url, '/nonexistent', now);
  expect(await configured(new Date())).toMatchObject({ cert: readFileSync(cert, 'utf8'), caPem: null, caFingerprint: null });
  expect(await configured(new Date(), { caFile: ca })).toMatchObject({ caFingerprint: made.caFingerprint, cert: expect.stringContaining(made.caPem ?? '-') as string });
  await expect(configured(new Date(Date.now() + 400 * dayMs))).rejects.toThrow(/expired on/);
  await expect(configured(new Date(), { keyFile: join(directory, 'tls', 'ca.key') })).rejects.toThrow(/does not belong to the key/);
  await expect(configured(new Date(), { keyFile: cert })).rejects.toThrow(/not an unencrypted private key/);
});

test('a lost CA key is told, and never replaced silently', async () => {
  rmSync(join(directory, 'tls', 'ca.key'));
  await expect(own(new Date())).rejects.toThrow(/Restore it from a backup.*every host must then enrol again/);
});
