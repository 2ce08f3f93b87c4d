import { createHash, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Server, utils, type AuthContext, type Connection } from 'ssh2';

/** Listens as a host does, shows its key, and writes down who wants in and with what. Lets nobody in: refuses, or never answers. */
export class SshListener {
  /** What was tried with, in order: `password: …`, `publickey: …`. */
  readonly tried: string[] = [];
  connections = 0;
  answers: 'refuses' | 'never' = 'refuses';
  private readonly clients = new Set<Connection>();
  private readonly waiting: AuthContext[] = [];
  private constructor(
    private readonly server: Server,
    readonly fingerprint: string,
  ) {}

  static async listen(address: string): Promise<SshListener> {
    const hostKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' }).toString();
    const key = utils.parseKey(hostKey);
    if (key instanceof Error) throw key;
    const server = new Server({ hostKeys: [hostKey] });
    const listener = new SshListener(server, `SHA256:${createHash('sha256').update(key.getPublicSSH()).digest('base64').replace(/=+$/, '')}`);
    server.on('connection', (client) => listener.serve(client));
    server.listen(0, address);
    await once(server, 'listening');
    return listener;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Answers those who wait, with no. */
  refuse(): void {
    this.answers = 'refuses';
    for (const context of this.waiting.splice(0)) context.reject(['password', 'publickey']);
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.end();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private serve(client: Connection): void {
    this.connections += 1;
    this.clients.add(client);
    client.on('error', () => undefined).on('close', () => this.clients.delete(client));
    client.on('authentication', (context) => {
      if (context.method !== 'none') this.tried.push(`${context.method}: ${context.method === 'password' ? context.password : context.username}`);
      if (this.answers === 'refuses' || context.method === 'none') context.reject(['password', 'publickey']);
      else this.waiting.push(context);
    });
  }
}
