import { connect } from 'node:tls';

export interface RawAnswer {
  readonly status: number;
  /** By small names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Sends a request line as it is, which HTTP libraries would clean or refuse, and reads the answer to its end. */
export function rawRequest(to: { readonly port: number; readonly ca: Buffer }, line: string, headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', servername: 'localhost', port: to.port, ca: to.ca });
    const parts: Buffer[] = [];
    socket.on('data', (part: Buffer) => parts.push(part));
    socket.on('error', reject);
    socket.on('close', () => { resolve(answerOf(Buffer.concat(parts))); });
    const sent = { host: 'localhost', connection: 'close', ...headers };
    socket.write(`${line} HTTP/1.1\r\n${Object.entries(sent).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`, 'latin1');
  });
}

function answerOf(bytes: Buffer): RawAnswer {
  const end = bytes.indexOf('\r\n\r\n');
  const [first = '', ...lines] = bytes.subarray(0, end === -1 ? 0 : end).toString('latin1').split('\r\n');
  const headers = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]));
  return { status: Number(first.split(' ')[1] ?? 0), headers, body: bytes.subarray(end + 4) };
}
