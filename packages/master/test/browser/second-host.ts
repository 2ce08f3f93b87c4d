import { request } from 'node:https';
import { AgentDouble, newIdentity } from '../it/agent-double';
import type { PortalSite } from './portal-site';

/** One more machine of the site, played by the test: it joins with this token, as the agent's own command does. Its network is not on yet. */
export async function joinedHost({ url, caPem }: Pick<PortalSite, 'url' | 'caPem'>, name: string, token: string): Promise<AgentDouble> {
  const host = new AgentDouble(url, caPem, newIdentity(name));
  const { status, body } = await host.enrol(token, (path, sent) => post(new URL(path, url), caPem, sent));
  if (status !== 201) throw new Error(`${name} was not let in: status ${String(status)}, ${JSON.stringify(body)}`);
  return host;
}

function post(url: URL, ca: string, body: unknown): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method: 'POST', ca, headers: { 'content-type': 'application/json' } }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () => { resolve({ status: answer.statusCode ?? 0, body: JSON.parse(Buffer.concat(parts).toString('utf8')) as unknown }); });
    });
    asked.on('error', reject);
    asked.end(JSON.stringify(body));
  });
}

/** Its agent says hello, and is heard of until it ends. */
export async function connectHost(host: AgentDouble): Promise<void> {
  // What a host that does nothing may be told.
  await host.ignore('admission', 'command', 'desired').connect();
  const beats = setInterval(() => {
    if (host.isClosed) clearInterval(beats);
    else host.send({ type: 'heartbeat', payload: { agentTime: new Date().toISOString(), load1: 0.1, ramAvailableMiB: 7000, poolAvailableMiB: 90_000 } });
  }, 500);
}
