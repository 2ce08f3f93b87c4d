import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, request as httpRequest, type IncomingHttpHeaders, type Server } from 'node:http';

export interface SignedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
const hmac = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** The signature that this request must bear, after "Signature Calculations for the Authorization Header" of the S3 API; null when it has no such header. */
export function signatureOf({ method, url, headers }: SignedRequest, secretKey: string): { readonly expected: string; readonly told: string } | null {
  const parts = /^AWS4-HMAC-SHA256 Credential=[^/]+\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/.exec(headers.authorization ?? '');
  if (parts === null) return null;
  const [, date = '', region = '', signed = '', told = ''] = parts;
  const { pathname, searchParams } = new URL(url, 'http://any');
  const encode = (text: string): string => encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  const query = [...searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort().join('&');
  const head = signed.split(';').map((name) => `${name}:${String(headers[name]).trim()}\n`).join('');
  const canonical = [method, pathname, query, head, signed, String(headers['x-amz-content-sha256'])].join('\n');
  const scope = `${date}/${region}/s3/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', String(headers['x-amz-date']), scope, sha256(canonical)].join('\n');
  const key = [date, region, 's3', 'aws4_request'].reduce<Buffer | string>((before, text) => hmac(before, text), `AWS4${secretKey}`);
  return { expected: hmac(key, toSign).toString('hex'), told };
}

/** In front of an S3 server that does not look at signatures (s3rver and SigV4): refuses what is not signed rightly or has another content than was signed. */
export function signatureProxy(secretKey: string, port: number): Server {
  return createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const body = Buffer.concat(pieces);
      const signature = signatureOf({ method: request.method ?? '', url: request.url ?? '', headers: request.headers }, secretKey);
      const whole = request.method !== 'PUT' || request.headers['x-amz-content-sha256'] === sha256(body);
      if (signature === null || !whole || !timingSafeEqual(Buffer.from(signature.expected), Buffer.from(signature.told))) {
        response.writeHead(403).end('<Error><Code>SignatureDoesNotMatch</Code></Error>');
        return;
      }
      const onward = httpRequest({ host: '127.0.0.1', port, method: request.method, path: request.url, headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      onward.on('error', () => response.destroy());
      onward.end(body);
    });
  });
}
