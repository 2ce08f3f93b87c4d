import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { consoleOpenSchema, endConnection, listConnections, openConsole, type ConsoleKind } from '@paravcl/shared/api/connections';
import { consolePath } from '@paravcl/shared/api/sockets';
import { parseJson } from '@paravcl/shared/parse-json';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { ApiClient } from '@paravcl/workbench/api-client';
import { createWebSocketStream, WebSocket } from 'ws';

export interface OpenedConsole {
  readonly stream: Duplex;
  readonly connectionId: string;
  /** Once it has ended. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

/** Opens consoles as a page does: takes a ticket over its session, and shows it in the first message. */
export class ConsolePage {
  constructor(
    private readonly master: { readonly url: string; readonly caFile: string },
    private readonly session: { readonly client: ApiClient; readonly token: string },
  ) {}

  /** Throws an Error with the close code and the sentence when it does not open. */
  async open({ id }: Instance, kind: ConsoleKind): Promise<OpenedConsole> {
    const { ticket } = await this.session.client.call(openConsole, { params: { instanceId: id }, body: { kind } });
    const socket = new WebSocket(`${this.master.url.replace(/^https/, 'wss')}${consolePath}`, { ca: readFileSync(this.master.caFile), headers: { authorization: `Bearer ${this.session.token}` }, perMessageDeflate: false });
    const closed = new Promise<{ code: number; reason: string }>((resolve) => socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })));
    socket.on('open', () => socket.send(JSON.stringify({ ticket })));
    return new Promise((resolve, reject) => {
      socket.on('error', reject);
      void closed.then(({ code, reason }) => reject(new Error(`${code}: ${reason}`)));
      socket.once('message', (data) => {
        const { connectionId } = consoleOpenSchema.parse(parseJson((data as Buffer).toString()));
        // In this turn: the first bytes may come with the answer.
        const stream = createWebSocketStream(socket);
        stream.on('error', () => undefined);
        resolve({ stream, connectionId, closed });
      });
    });
  }

  async list(): Promise<readonly string[]> {
    return (await this.session.client.call(listConnections)).items.map(({ id }) => id);
  }

  end(connectionId: string): Promise<undefined> {
    return this.session.client.call(endConnection, { params: { connectionId } });
  }
}
