/**
 * `bulk-server.js ADDRESS PORT FILE [TLS_DIRECTORY]`: answers `GET /BYTES` with so many bytes of the beginning of a file, over HTTPS
 * with a master's certificate or in the clear. The copying of whole images of the time before chunks, and the raw measure of a link.
 */
import { createReadStream, readFileSync } from 'node:fs';
import { createServer as createPlainServer, type RequestListener } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';

const [address = '', port = '', file = '', tlsDirectory] = process.argv.slice(2);

const answer: RequestListener = (request, response) => {
  const bytes = Number((request.url ?? '').slice(1));
  if (!Number.isInteger(bytes) || bytes < 1) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'content-length': bytes });
  createReadStream(file, { end: bytes - 1, highWaterMark: 256 * 1024 }).pipe(response);
};

const server =
  tlsDirectory === undefined
    ? createPlainServer(answer)
    : createServer({ key: readFileSync(join(tlsDirectory, 'server.key')), cert: readFileSync(join(tlsDirectory, 'server.crt')) }, answer);
server.listen(Number(port), address);
