import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../src/eventually';
import { agentScript, masterScript } from '../../src/lab/lab-layout';

jest.setTimeout(120_000);

const packages = join(__dirname, '../../..');
/** Where an installation puts what the units start, and where the same file lies in a built work tree. */
const installed: Readonly<Record<string, string>> = {
  '/opt/paravcl/node/bin/node': process.execPath,
  '/opt/paravcl/packages/master/dist/main.js': masterScript,
  '/opt/paravcl/current/node/bin/node': process.execPath,
  '/opt/paravcl/current/paravcl-slave.cjs': agentScript,
};

let directory: string;
const children = new Set<ChildProcess>();

beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'pvcl-unit-'))));
afterEach(async () => {
  for (const child of children) await ended(child, 'SIGKILL');
  rmSync(directory, { recursive: true });
});

function start(command: readonly string[], environment: Readonly<Record<string, string>>): { readonly child: ChildProcess; readonly said: () => string } {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { env: { PATH: process.env['PATH'], ...environment } });
  children.add(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part: string) => (text += part));
  return { child, said: () => text };
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  children.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = once(child, 'exit');
  child.kill(signal);
  return ((await exit) as [number | null])[0];
}

/** The unit's command, its files found in this work tree. A path that nothing puts there fails the test. */
function commandOf(unit: string): readonly string[] {
  const line = /^ExecStart=(.+)$/m.exec(readFileSync(join(packages, unit), 'utf8'))?.[1] ?? '';
  return line.split(' ').map((word) => {
    const file = word.startsWith('/') ? installed[word] : word;
    if (file === undefined) throw new Error(`${unit} starts ${word}, which no installation puts there.`);
    return file;
  });
}

/** Stands in for systemd: a datagram socket whose messages are read by `cat`, as Node cannot. */
async function notifySocket(): Promise<{ readonly path: string; readonly said: () => string }> {
  const path = join(directory, 'notify');
  const { said } = start(['systemd-socket-activate', '--datagram', `--listen=${path}`, 'sh', '-c', 'exec cat <&3'], {});
  await eventually('the notify socket', 10_000, () => existsSync(path) || undefined);
  return { path, said };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}

/** Of a host that is enrolled at a master that is away, which keeps nothing from being ready. */
async function enrolledState(): Promise<string> {
  const stateDir = join(directory, 'state');
  mkdirSync(join(stateDir, 'pool'), { recursive: true });
  const record = { masterUrl: `https://127.0.0.1:${String(await freePort())}`, slaveId: randomUUID(), siteId: randomUUID(), name: 'unit-test', trust: 'public' };
  writeFileSync(join(stateDir, 'enrolment.json'), JSON.stringify(record));
  writeFileSync(join(stateDir, 'agent-key.pem'), generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return stateDir;
}

async function startUnit(unit: string, environment: Readonly<Record<string, string>>): Promise<{ readonly child: ChildProcess; readonly notified: () => string; readonly said: () => string }> {
  expect(readFileSync(join(packages, unit), 'utf8')).toMatch(/^Type=notify$/m);
  const socket = await notifySocket();
  const { child, said } = start(commandOf(unit), { ...environment, NOTIFY_SOCKET: socket.path });
  await eventually('READY=1', 60_000, () => {
    if (child.exitCode !== null) throw new Error(`It ended with ${String(child.exitCode)}: ${said()}`);
    return socket.said().includes('READY=1') || undefined;
  });
  expect(socket.said()).toContain(`MAINPID=${String(child.pid)}`);
  return { child, notified: socket.said, said };
}

test('what the master’s unit starts runs, tells systemd when it is ready and when it stops, and ends with 0', async () => {
  const port = await freePort();
  const { child, notified, said } = await startUnit('master/systemd/paravcl-master.service', {
    PARAVCL_MASTER_STATE_DIR: join(directory, 'state'),
    PARAVCL_MASTER_LISTEN_HOST: '127.0.0.1',
    PARAVCL_MASTER_LISTEN_PORT: String(port),
    PARAVCL_MASTER_GATEWAY_SSH_PORT: '0',
    PARAVCL_MASTER_PUBLIC_URL: `https://localhost:${String(port)}`,
  });
  // For a person, in a line of its own; nothing of it in the JSON log.
  expect(said()).toMatch(/^There is no administrator yet\.[^{]*paravcl-master setup-token\npvt_\S+$/m);
  expect(said().match(/pvt_/g)).toHaveLength(1);
  expect(notified()).not.toContain('STOPPING=1');
  expect(await ended(child, 'SIGTERM')).toBe(0);
  expect(notified()).toContain('STOPPING=1');
});

test('what the mirror’s unit starts runs with its master away, tells systemd when it is ready, and ends with 0', async () => {
  const stateDir = await enrolledState();
  const { child } = await startUnit('slave/systemd/paravcl-mirror.service', { PARAVCL_SLAVE_STATE_DIR: stateDir });
  expect(existsSync(join(stateDir, 'pool', 'mirror', 'nbd.sock'))).toBe(true);
  expect(await ended(child, 'SIGTERM')).toBe(0);
});

test('what the slave’s unit starts runs, tells systemd when it is ready, and ends with 0', async () => {
  const stateDir = await enrolledState();
  const { child } = await startUnit('slave/systemd/paravcl-slave.service', { PARAVCL_SLAVE_STATE_DIR: stateDir, PARAVCL_SLAVE_DRIVER: 'simulated' });
  expect(await ended(child, 'SIGTERM')).toBe(0);
});
