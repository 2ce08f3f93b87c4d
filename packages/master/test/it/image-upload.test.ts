import { createHash, randomBytes } from 'node:crypto';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { imageAnswerSchema, type ImageAnswer } from '@paravcl/shared/api/images';
import type { Principal } from '@paravcl/shared/domain/people';
import { createApp } from '../../src/http/app';
import { idempotencyStore } from '../../src/http/idempotency-store';
import { eventually } from './eventually';
import { openImageFiles, type ImageFiles } from './image-rig';
import { openRig, type Rig } from './instance-rig';

describe('an upload over HTTP', () => {
  const content = randomBytes(300_000);
  let rig: Rig;
  let files: ImageFiles;
  let admin: Principal;
  let server: Server;
  let base: string;
  const logged: unknown[] = [];

  beforeAll(async () => {
    rig = await openRig();
    admin = await rig.person('admin', 'root-admin');
    files = await openImageFiles();
    const app = createApp({
      authenticate: () => Promise.resolve({ principal: admin, by: 'bearer' }),
      idempotency: idempotencyStore(rig.unit.read.idempotencyKeys, rig.clock),
      checkAnswers: true,
      routes: files.compose(rig.unit, rig.clock).routes,
      routers: [],
      log: { error: (fields, message) => logged.push(fields, message) },
    });
    server = createServer(app).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`;
  });
  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
    await files.close();
    await rig.close();
    expect([...logged, ...files.faults]).toEqual([]);
  });

  async function announced(): Promise<string> {
    const body = JSON.stringify({ name: 'Ubuntu', format: 'raw', sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') });
    return imageAnswerSchema.parse(await (await fetch(`${base}/images`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json()).id;
  }
  const image = async (id: string): Promise<ImageAnswer> => imageAnswerSchema.parse(await (await fetch(`${base}/images/${id}`)).json());
  async function put(id: string, bytes: Buffer, headers: Readonly<Record<string, string>>, offset?: number): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
    const response = await fetch(`${base}/images/${id}/content${offset === undefined ? '' : `?offset=${String(offset)}`}`, { method: 'PUT', headers: { ...headers }, body: new Uint8Array(bytes) });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  it('whose connection breaks off is no fault of the master: nothing is logged, what came is kept, and it goes on there', async () => {
    const id = await announced();
    const request = httpRequest(`${base}/images/${id}/content`, { method: 'PUT', headers: { 'content-length': content.length } });
    request.on('error', () => undefined);
    request.write(content.subarray(0, 100_000));
    await eventually('what was sent has arrived', async () => (await image(id)).receivedBytes === 100_000);
    request.destroy();
    const ended = await eventually('the broken one is over', async () => {
      const answer = await put(id, content.subarray(100_000), {}, 100_000);
      return answer.body['code'] === 'conflict' ? null : answer;
    });
    expect(ended).toMatchObject({ status: 200, body: { state: 'ready' } });
    expect(logged).toEqual([]);
  });

  it('mends chunks that had rotted in the store, and the operators are told', async () => {
    const first = await announced();
    await put(first, content, {});
    const packs = join(files.directory, '../chunks/packs');
    for (const name of readdirSync(packs)) {
      const bytes = readFileSync(join(packs, name));
      const at = bytes.indexOf(content.subarray(0, 100));
      if (at === -1) continue;
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      writeFileSync(join(packs, name), bytes);
    }
    expect((await fetch(`${base}/images/${first}/content`)).status).toBe(500);
    expect(logged.splice(0)).toMatchObject([{ method: 'GET' }, 'request failed']);
    const second = await announced();
    expect(await put(second, content, {})).toMatchObject({ status: 200, body: { state: 'ready' } });
    expect(Buffer.from(await (await fetch(`${base}/images/${first}/content`)).arrayBuffer()).subarray(0, content.length).equals(content)).toBe(true);
    const { friendlyId } = await image(second);
    const [event] = (await rig.unit.read.events.page({ kind: 'store.damaged', limit: 1 })).items;
    expect(event?.sentence).toMatch(new RegExp(`^Damaged in the master’s store: 1 chunk that the upload of Ubuntu \\(${friendlyId}\\) has too\\. It is as it was again\\.`));
  });

  it('that ended early says where to go on only until more comes, and is not begun anew by an offset that says nothing', async () => {
    const id = await announced();
    await put(id, content.subarray(0, 4000), {});
    expect(await image(id)).toMatchObject({ receivedBytes: 4000, reason: expect.stringContaining('Go on at offset 4000') as string });
    const nothing = await fetch(`${base}/images/${id}/content?offset=`, { method: 'PUT', body: new Uint8Array(content) });
    expect([nothing.status, await nothing.json()]).toMatchObject([400, { field: 'offset' }]);
    expect((await put(id, content, {}, 17)).status).toBe(409);
    expect(await image(id)).toMatchObject({ receivedBytes: 4000, reason: expect.stringContaining('Go on at offset 4000') as string });
    const request = httpRequest(`${base}/images/${id}/content?offset=4000`, { method: 'PUT', headers: { 'content-length': content.length - 4000 } });
    request.on('error', () => undefined);
    request.write(content.subarray(4000, 100_000));
    await eventually('what was sent has arrived', async () => (await image(id)).receivedBytes === 100_000);
    expect((await image(id)).reason).toBeNull();
    request.destroy();
    await eventually('the rest to be taken', async () => (await put(id, content.subarray(100_000), {}, 100_000)).status === 200);
  });

  it('whose Content-Range says another length than its Content-Length is refused before a byte is taken', async () => {
    const id = await announced();
    await put(id, content.subarray(0, 5000), { 'Content-Range': `bytes 0-4999/${String(content.length)}` });
    const refused = await put(id, content, { 'Content-Range': 'bytes 0-9/10' });
    expect(refused).toMatchObject({ status: 400, body: { code: 'invalid-input', field: 'Content-Range', limit: '10 bytes', detail: 'Content-Range names 10 bytes, and 300000 are sent. Nothing of them was taken.' } });
    expect(await image(id)).toMatchObject({ receivedBytes: 5000 });
  });

  it('that goes on with more than was to come loses what it brought, and not what had come', async () => {
    const id = await announced();
    await put(id, content.subarray(0, 5000), { 'Content-Range': `bytes 0-4999/${String(content.length)}` });
    const refused = await put(id, content, {}, 5000);
    expect(refused).toMatchObject({
      status: 422,
      body: { code: 'content-mismatch', field: 'offset', limit: '5000', detail: 'This request brought more than the 295000 bytes that were still to come. Nothing of it was kept; the 5000 bytes before it are. Go on at offset 5000, or send it again from the start.' },
    });
    expect(await image(id)).toMatchObject({ state: 'uploading', receivedBytes: 5000 });
    expect((await put(id, content.subarray(5000), {}, 5000)).body).toMatchObject({ state: 'ready' });
  });
});
