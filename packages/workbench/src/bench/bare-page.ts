import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';

/** The baseline of a page: one document with a heading, of as many bytes as asked, from Node's https server with nothing behind it. */
export class BarePage {
  private constructor(
    readonly url: string,
    private readonly server: Server,
  ) {}

  /** With the master's own certificate, so that a handshake costs the same. */
  static async start(certificateDirectory: string, port: number, bytes: number): Promise<BarePage> {
    const begin = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Bare</title><link rel="icon" href="data:,"></head><body><h1>Log in to nothing</h1><!--';
    const end = '--></body></html>';
    const document = Buffer.from(begin + 'x'.repeat(Math.max(0, bytes - begin.length - end.length)) + end);
    const server = createServer({ key: readFileSync(join(certificateDirectory, 'server.key')), cert: readFileSync(join(certificateDirectory, 'server.crt')), minVersion: 'TLSv1.2' }, (_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(document);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    return new BarePage(`https://127.0.0.1:${String(port)}/`, server);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
