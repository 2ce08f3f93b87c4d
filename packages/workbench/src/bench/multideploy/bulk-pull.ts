/**
 * `bulk-pull.js URL BYTES [TARGET]`: fetches so many bytes from a bulk server and prints the seconds it took. With a target they are
 * kept there, as a copied image is; that server is then believed whoever signed it.
 */
import { createWriteStream } from 'node:fs';
import { get as getPlain, type IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const [base = '', bytes = '', target] = process.argv.slice(2);
const url = new URL(`/${bytes}`, base);
const begunAt = performance.now();
let received = 0;

async function take(response: IncomingMessage): Promise<void> {
  response.on('data', (part: Buffer) => (received += part.length));
  const nowhere = new Writable({ write: (_part, _encoding, done) => done() });
  await pipeline(response, target === undefined ? nowhere : createWriteStream(target));
  if (received !== Number(bytes)) throw new Error(`${String(received)} of ${bytes} bytes came from ${url.href}.`);
  process.stdout.write(`${String((performance.now() - begunAt) / 1000)}\n`);
}

const fail = (error: unknown): void => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
};
const request = url.protocol === 'https:' ? get(url, { rejectUnauthorized: false }, (response) => void take(response).catch(fail)) : getPlain(url, (response) => void take(response).catch(fail));
request.on('error', fail);
