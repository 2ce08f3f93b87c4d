import { ParavclError, type ErrorCode } from '@paravcl/shared/errors';
import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { problemOf, problemType } from './problem';

const answers: Readonly<Record<string, { readonly line: string; readonly code: ErrorCode; readonly message: string }>> = {
  HPE_HEADER_OVERFLOW: { line: '431 Request Header Fields Too Large', code: 'body-too-large', message: 'Address and headers together are too long (Node reads 16 KiB).' },
  ERR_HTTP_REQUEST_TIMEOUT: { line: '408 Request Timeout', code: 'malformed-body', message: 'The headers did not arrive in time.' },
};
const malformed = { line: '400 Bad Request', code: 'malformed-body', message: 'This is not HTTP.' } as const;

/** Answers what is not even a request as problem+json too, and closes the connection. */
export function answerBrokenRequests(server: Server | TlsServer): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    // A client that went away wants no answer, and one that was half answered must not get another.
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const { line, code, message } = answers[error.code ?? ''] ?? malformed;
    const problem = { ...problemOf(new ParavclError(code, message), randomUUID()), status: Number(line.slice(0, 3)) };
    const body = JSON.stringify(problem);
    socket.end(`HTTP/1.1 ${line}\r\nContent-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
  });
}
