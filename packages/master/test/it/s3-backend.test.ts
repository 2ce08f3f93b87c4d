import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manifestOf } from '@paravcl/shared/chunks/manifest';
import { ChunkStore } from '../../src/store/chunk-store';
import { ObjectMissing } from '../../src/store/object-backend';
import { S3Backend, S3Fault, type S3Access } from '../../src/store/s3-backend';
import { signatureOf, signatureProxy } from './signature-proxy';

jest.setTimeout(60_000);

/** What s3rver takes as its one account. */
const account = { accessKeyId: 'S3RVER', secretKey: 'S3RVER' };
let directory: string;
let server: ChildProcess;
let proxy: Server;
let access: S3Access;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 's3-backend-'));
  const port = await freePort();
  // Its tokens of continuation are made with DES.
  server = spawn(process.execPath, ['--openssl-legacy-provider', require.resolve('s3rver/bin/s3rver.js'), '--directory', directory, '--address', '127.0.0.1', '--port', String(port), '--configure-bucket', 'chunks'], { stdio: ['ignore', 'pipe', 'inherit'] });
  proxy = signatureProxy(account.secretKey, port);
  access = { ...account, endpoint: `${await listening(proxy)}/`, bucket: 'chunks', region: 'us-east-1' };
  let said = '';
  await new Promise<void>((resolve, reject) => {
    server.stdout?.on('data', (text: Buffer) => {
      said += text.toString();
      if (said.includes('listening')) resolve();
    });
    server.once('exit', (code) => reject(new Error(`s3rver ended (${String(code)}): ${said}`)));
  });
});
afterAll(async () => {
  await new Promise((resolve) => {
    proxy.close(resolve);
    proxy.closeAllConnections();
  });
  server.kill('SIGKILL');
  await once(server, 'exit');
  rmSync(directory, { recursive: true });
});

/** Its address. */
async function listening(one: Server): Promise<string> {
  await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${String((one.address() as AddressInfo).port)}`;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  const { port } = new URL(await listening(probe));
  await new Promise((resolve) => probe.close(resolve));
  return Number(port);
}

/** A server that answers as it is told, at an address of its own. */
async function answering(listener: RequestListener): Promise<{ readonly backend: S3Backend; readonly server: Server }> {
  const fake = createServer(listener);
  return { backend: new S3Backend({ ...access, endpoint: await listening(fake) }, 1), server: fake };
}

test('the proxy expects the signature that the S3 API’s own example has', () => {
  const headers = {
    host: 'examplebucket.s3.amazonaws.com',
    range: 'bytes=0-9',
    'x-amz-content-sha256': createHash('sha256').digest('hex'),
    'x-amz-date': '20130524T000000Z',
    authorization: `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=${'0'.repeat(64)}`,
  };
  expect(signatureOf({ method: 'GET', url: '/test.txt', headers }, 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY')?.expected).toBe('f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41');
});

test('an object is there whole, in parts, in the list, and then not any more', async () => {
  const backend = new S3Backend(access);
  await backend.open();
  const pieces = [randomBytes(70_000), Buffer.alloc(0), randomBytes(3)];
  await backend.put('packs/one', pieces);
  const whole = Buffer.concat(pieces);
  expect((await backend.read('packs/one', 0, whole.length)).equals(whole)).toBe(true);
  expect(await backend.read('packs/one', 69_999, 4)).toEqual(whole.subarray(69_999));
  expect(await backend.read('packs/one', 5, 0)).toEqual(Buffer.alloc(0));
  await expect(backend.read('packs/one', 69_999, 5)).rejects.toThrow(RangeError);
  await expect(backend.read('packs/one', 80_000, 5)).rejects.toThrow(RangeError);
  await expect(backend.read('packs/two', 0, 1)).rejects.toThrow(ObjectMissing);
  expect(await backend.list('packs/')).toEqual([{ key: 'packs/one', bytes: whole.length }]);
  expect(await backend.list('manifests/')).toEqual([]);
  await backend.delete('packs/one');
  await backend.delete('packs/one');
  expect(await backend.list('packs/')).toEqual([]);
  await expect(backend.put('../etc/passwd', [])).rejects.toThrow(RangeError);
});

test('a list longer than one answer is read to its end', async () => {
  const backend = new S3Backend(access, 1, 7);
  const keys = Array.from({ length: 30 }, (_, number) => `listed/${String(number).padStart(5, '0')}`);
  await Promise.all(keys.map((key) => backend.put(key, [Buffer.from('x')])));
  expect((await backend.list('listed/')).map(({ key }) => key)).toEqual(keys);
});

test('a store of chunks lives in it: kept, opened again, swept, verified and repaired', async () => {
  const store = new ChunkStore(new S3Backend(access));
  expect(await store.open()).toEqual([]);
  const chunks = Array.from({ length: 40 }, (_, number) => (number % 2 === 0 ? randomBytes(65_536) : Buffer.alloc(65_536, `chunk ${String(number)}`)));
  const hashes = chunks.map((chunk) => createHash('sha256').update(chunk).digest());
  const manifests: string[] = [];
  for (const part of [[0, 40], [0, 4]] as const) {
    const session = store.begin();
    for (let number = part[0]; number < part[1]; number += 1) await session.put(hashes[number] ?? Buffer.alloc(0), chunks[number] ?? Buffer.alloc(0));
    manifests.push(await session.putManifest(manifestOf({ chunkBytes: 65_536, sizeBytes: 65_536 * (part[1] - part[0]) }, Buffer.concat(hashes.slice(...part)))));
    session.release();
  }
  const again = new ChunkStore(new S3Backend(access));
  expect(await again.open()).toEqual([]);
  expect(again.stats()).toEqual(store.stats());
  for (const [number, hash] of hashes.entries()) expect((await again.readChecked(hash))?.equals(chunks[number] ?? Buffer.alloc(0))).toBe(true);
  const small = manifests.slice(1);
  expect(await again.sweep(() => Promise.resolve(small))).toMatchObject({ forgottenChunks: 36, rewrittenPacks: 1, deletedManifests: 1, missingChunks: 0 });
  const last = new ChunkStore(new S3Backend(access));
  expect(await last.open()).toEqual([]);
  expect(last.stats()).toMatchObject({ chunks: 4, manifests: 1, packs: 1 });
  expect(await last.verify(small, () => undefined)).toMatchObject({ chunks: 4, damaged: [], damagedManifests: [] });
  await last.sweep(() => Promise.resolve([]));
  expect(await new S3Backend(access).list('packs/')).toEqual([]);
});

test('a chunk that changed is kept as the difference in it, outlives what it was, and is read whole', async () => {
  const store = new ChunkStore(new S3Backend(access));
  await store.open();
  const before = randomBytes(65_536);
  const after = Buffer.from(before);
  randomBytes(4096).copy(after, 8192);
  const hashOf = (chunk: Buffer): Buffer => createHash('sha256').update(chunk).digest();
  const session = store.begin();
  await session.put(hashOf(before), before);
  await session.flush();
  const stored = store.stats().storedBytes;
  await session.putChanged(hashOf(after), after, { hash: hashOf(before), bytes: before });
  const id = await session.putManifest(manifestOf({ chunkBytes: 65_536, sizeBytes: 65_536 }, hashOf(after)));
  session.release();
  expect(store.stats().storedBytes - stored).toBeLessThan(4096 + 300);
  const again = new ChunkStore(new S3Backend(access));
  expect(await again.open()).toEqual([]);
  expect(await again.sweep(() => Promise.resolve([id]))).toMatchObject({ forgottenChunks: 0, missingChunks: 0 });
  expect((await again.readChecked(hashOf(after)))?.equals(after)).toBe(true);
  expect((await again.verify([id], () => undefined)).damaged).toEqual([]);
  await again.sweep(() => Promise.resolve([]));
  expect(await new S3Backend(access).list('packs/')).toEqual([]);
});

test('a wrong key is refused without being told, and an unknown bucket by its name', async () => {
  const wrong: unknown = await new S3Backend({ ...access, secretKey: 'not the secret' }).open().catch((error: unknown) => error);
  expect(wrong).toBeInstanceOf(S3Fault);
  expect((wrong as Error).message).toMatch(/refused GET \/chunks: 403 SignatureDoesNotMatch\. Check endpoint, bucket, region and key/);
  expect(JSON.stringify({ ...(wrong as Error), message: (wrong as Error).message, stack: (wrong as Error).stack })).not.toContain('not the secret');
  await expect(new S3Backend({ ...access, bucket: 'elsewhere' }).open()).rejects.toThrow(/GET \/elsewhere: 404 NoSuchBucket/);
});

test('a server that is overloaded, or breaks off, is asked again; one that refuses is not', async () => {
  const seen: string[] = [];
  const { backend, server: fake } = await answering((request, response) => {
    seen.push(request.method ?? '');
    request.resume();
    if (seen.length === 1) response.writeHead(503).end('<Error><Code>SlowDown</Code></Error>');
    else if (seen.length === 2) request.socket.destroy();
    else response.writeHead(seen.length === 3 ? 200 : 403).end();
  });
  await backend.put('packs/one', [Buffer.from('content')]);
  expect(seen).toEqual(['PUT', 'PUT', 'PUT']);
  await expect(backend.put('packs/one', [Buffer.from('content')])).rejects.toMatchObject({ status: 403 });
  expect(seen).toHaveLength(4);
  await new Promise((resolve) => fake.close(resolve));
  await expect(backend.put('packs/one', [Buffer.from('content')])).rejects.toThrow(/could not be reached \(PUT \/chunks\/packs\/one\).*ECONNREFUSED/);
});

test('a server that ignores ranges is read all the same', async () => {
  const { backend, server: fake } = await answering((_, response) => response.writeHead(200).end('0123456789'));
  expect((await backend.read('packs/one', 3, 4)).toString()).toBe('3456');
  await expect(backend.read('packs/one', 8, 4)).rejects.toThrow(RangeError);
  await new Promise((resolve) => fake.close(resolve));
});
