import { once } from 'node:events';
import { createReadStream, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { sendPart } from './send-part';

const directory = mkdtempSync(join(tmpdir(), 'paravcl-part-'));
const path = join(directory, 'content');
writeFileSync(path, Buffer.alloc(300_000, 7));
afterAll(() => rmSync(directory, { recursive: true }));

const isOpen = (): boolean => readdirSync('/proc/self/fd').some((fd) => linkOf(fd) === path);
function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // Closed since it was listed.
    return '';
  }
}

async function opened() {
  const stream = createReadStream(path);
  // Node calls a stream that is left before its end aborted.
  stream.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => stream.once('close', () => resolve()));
  await once(stream, 'open');
  expect(isOpen()).toBe(true);
  return { stream, closed };
}

test('the part is written, no more, and the file is closed', async () => {
  const { stream, closed } = await opened();
  let bytes = 0;
  await sendPart(stream, 100_000, new Writable({ write: (chunk: Buffer, _encoding, done) => ((bytes += chunk.length), done()) }));
  expect(bytes).toBe(100_000);
  await closed;
  expect(isOpen()).toBe(false);
});

test('the file is closed when the reader was gone before the first byte', async () => {
  const { stream, closed } = await opened();
  const gone = new Writable();
  gone.destroy();
  await expect(sendPart(stream, 100_000, gone)).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
  await closed;
  expect(isOpen()).toBe(false);
});
