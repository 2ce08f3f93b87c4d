import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MirrorClient } from './mirror-client';

const manifest = 'a'.repeat(64);
let pool: string;
let server: Server;
let asked: string[];
let answer: { status: number; text: string } | null;

beforeEach(async () => {
  pool = await mkdtemp(join(tmpdir(), 'pool-'));
  await mkdir(join(pool, 'mirror'));
  asked = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      asked.push(`${request.method ?? ''} ${request.url ?? ''} ${body}`);
      if (answer !== null) response.writeHead(answer.status).end(answer.text);
    });
  });
  await new Promise<void>((resolve) => server.listen(join(pool, 'mirror', 'control.sock'), resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(pool, { recursive: true });
});

const standing = { manifest, sizeBytes: 512, done: true, complete: false, presentChunks: 0, totalChunks: 1, path: '/data', socket: '/nbd.sock', exportName: manifest };

it('says what is wanted, and in which phase a guest is', async () => {
  answer = { status: 200, text: JSON.stringify(standing) };
  expect(await new MirrorClient(pool).ask(manifest, 'whole')).toEqual(standing);
  await new MirrorClient(pool).tellPhase('0192f0c1-2345-7abc-8def-0123456789ab', 'shutdown');
  expect(asked).toEqual([`PUT /images/${manifest} {"want":"whole"}`, 'PUT /instances/0192f0c1-2345-7abc-8def-0123456789ab/phase {"phase":"shutdown"}']);
});

it.each([
  ['unavailable', 'fetch-failed'],
  ['missing', 'image-missing'],
  ['no-room', 'no-room'],
  ['invalid', 'failed'],
  ['failed', 'failed'],
])('takes the refusal %s for %s, with its words', async (code, expected) => {
  answer = { status: 503, text: JSON.stringify({ code, message: 'the words' }) };
  await expect(new MirrorClient(pool).ask(manifest, 'serve')).rejects.toMatchObject({ code: expected, message: 'the words' });
});

it.each([
  ['of another release', 200, '{"manifest":"x"}', /of another release.*systemctl restart paravcl-mirror/],
  ['that is no JSON', 200, 'hello', /of another release/],
  ['without a reason', 500, 'oops', /status 500 and no reason/],
])('does not take an answer %s for a standing', async (_, status, text, message) => {
  answer = { status, text };
  await expect(new MirrorClient(pool).ask(manifest, 'serve')).rejects.toMatchObject({ code: 'failed', message: expect.stringMatching(message) as string });
});

it('waits for no mirror longer than its question is worth, and names the unit to look at', async () => {
  answer = null;
  const began = performance.now();
  await expect(new MirrorClient(pool).status()).rejects.toMatchObject({ code: 'fetch-failed', message: expect.stringMatching(/no answer in time.*systemctl status paravcl-mirror/) as string });
  expect(performance.now() - began).toBeLessThan(4000);
});
