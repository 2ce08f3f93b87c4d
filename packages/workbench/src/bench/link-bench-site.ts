import { createRequire } from 'node:module';
import { get } from 'node:https';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createJoinToken } from '@paravcl/shared/api/join-tokens';
import { agentEnrolPath } from '@paravcl/shared/protocol/version';
import type { ApiClient } from '../api-client';
import { eventually } from '../eventually';
import type { Lab } from '../lab/lab';
import { masterScript } from '../lab/lab-layout';
import { Daemon } from '../process/daemon';
import { postJson } from './post-json';
import { simulatedDescribe, simulatedIdentity } from './simulated-agent';

export interface Books {
  query(sql: string, values?: readonly unknown[]): Promise<readonly (readonly Record<string, unknown>[])[]>;
  end(): Promise<void>;
}

/** The master's own database, read beside it, with the very driver that it brings along. */
export async function openBooks(lab: Lab): Promise<Books> {
  const { createConnection } = createRequire(masterScript)('mysql2/promise') as { createConnection(options: object): Promise<Books> };
  return createConnection({ socketPath: join(lab.layout.masterState, 'mariadb', 'mariadbd.sock'), user: 'root', database: 'paravcl', decimalNumbers: true });
}

/**
 * Enrols slave 0 by the real route, and writes the others as copies of its row with their own id, key, machine and
 * address: an enrolment costs some milliseconds and is not what is measured. Their links then do everything an
 * enrolled agent's does.
 */
export async function enrolFleet(lab: Lab, admin: ApiClient, books: Books, agents: number): Promise<void> {
  const first = simulatedIdentity(0);
  const { token } = await admin.call(createJoinToken, { body: { note: 'simulated fleet', preapproved: true } });
  const ca = await readFile(lab.layout.caFile, 'utf8');
  const { name, publicKey, machineId, mac } = first;
  await postJson(new URL(agentEnrolPath, lab.url), ca, { token, name, publicKey, machineId, macs: [mac], describe: simulatedDescribe(first) });
  await books.query('CREATE TEMPORARY TABLE model AS SELECT * FROM slaves WHERE name = ?', [name]);
  await books.query('UPDATE slaves SET id = ?, address = ?, enrolled_address = ?', [first.slaveId, first.address, first.address]);
  await books.query('SET autocommit = 0');
  for (let number = 1; number < agents; number++) {
    const slave = simulatedIdentity(number);
    await books.query('UPDATE model SET id = ?, name = ?, public_key = ?, machine_id = ?, macs = ?, address = ?, enrolled_address = ?, describe_data = ?', [
      slave.slaveId, slave.name, slave.publicKey, slave.machineId, JSON.stringify([slave.mac]), slave.address, slave.address, JSON.stringify(simulatedDescribe(slave)),
    ]);
    await books.query('INSERT INTO slaves SELECT * FROM model');
  }
  await books.query('COMMIT');
  await books.query('SET autocommit = 1');
}

/** Starts the bare WebSocket server and waits until it answers. */
export async function startBareServer(lab: Lab, port: number, env: Readonly<Record<string, string>>): Promise<Daemon> {
  const script = join(__dirname, 'bare-link-server.js');
  const bare = Daemon.start({ name: 'bare server', script, args: [String(port), join(lab.layout.masterState, 'tls')], logFile: join(lab.options.stateDir, 'bare.log'), env });
  await eventually('the bare server to listen', 20_000, () => countOf(lab, port, '/').catch(() => undefined));
  return bare;
}

/** Messages the bare server took. */
export async function countOf(lab: Lab, port: number, path: string): Promise<number> {
  return Number(await getText(lab, port, path));
}

/** Heartbeats that the master accepted since its start, from its metrics. */
export async function acceptedHeartbeats(lab: Lab): Promise<number> {
  const text = await getText(lab, Number(new URL(lab.url).port), '/metrics');
  const count = /^paravcl_heartbeats_total (\d+)$/m.exec(text)?.[1];
  if (count === undefined) throw new Error('The master’s metrics do not tell paravcl_heartbeats_total.');
  return Number(count);
}

async function getText(lab: Lab, port: number, path: string): Promise<string> {
  const ca = await readFile(lab.layout.caFile, 'utf8');
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path, ca, agent: false, timeout: 20_000 }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => resolve(Buffer.concat(parts).toString('utf8')));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error(`No answer from port ${String(port)} within 20 s.`)));
    request.on('error', reject);
  });
}
