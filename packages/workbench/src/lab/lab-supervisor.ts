/**
 * Holds a lab: `lab-supervisor PLAN`. Runs in a session of its own, in the machine's namespaces, with the lab's private
 * host below it and the port through which people reach the master. With this process the lab ends, however it ends.
 *
 * Standard input is the command that started the lab: when it is closed before the lab is ready, nobody waits for
 * the lab any more and it ends. Standard output passes the lab's events on.
 */
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseJson } from '@paravcl/shared/parse-json';
import { eventually } from '../eventually';
import { spawnInPrivateHost } from '../private-host/private-host';
import { childrenOf } from '../process/daemon';
import { identityOf } from '../process/process-identity';
import { forward } from './forwarder';
import { freePort } from './free-port';
import { labEventSchema, labPlanSchema, type LabEvent } from './lab-plan';
import { labFiles, writeLabRecord, type LabRecord } from './lab-record';

async function main(): Promise<number> {
  const plan = labPlanSchema.parse(parseJson(process.argv[2] ?? ''));
  const files = labFiles(plan.directory);
  const self = identityOf(process.pid);
  if (self === null) throw new Error('This process is not found in /proc.');
  const port = await freePort('127.0.0.1', plan.port);
  let record: LabRecord = {
    state: 'making',
    supervisor: self,
    inside: null,
    url: `https://127.0.0.1:${String(port)}`,
    hosts: Array.from({ length: plan.hosts }, (_, index) => `host-${String(index + 1)}`),
    startedAt: new Date().toISOString(),
  };
  await writeLabRecord(plan.directory, record);
  await forward({ host: '127.0.0.1', port }, { path: files.masterSocket });

  const log = openSync(files.log, 'a', 0o600);
  const lab = spawnInPrivateHost([process.execPath, require.resolve('./lab-inside'), JSON.stringify(plan)], { stdio: ['ignore', 'pipe', log], cwd: '/' });
  closeSync(log);
  // Process 1 inside and not what waits for it: only when it has ended has everything in there.
  const end = (): void => {
    for (const pid of childrenOf(lab.pid ?? 0)) process.kill(pid, 'SIGKILL');
    if (childrenOf(lab.pid ?? 0).length === 0) lab.kill('SIGKILL');
  };
  process.on('SIGTERM', end).on('SIGINT', end);
  process.stdin.on('end', () => {
    if (record.state === 'making') end();
  });
  process.stdin.on('error', () => undefined).resume();
  process.stdout.on('error', () => undefined);

  void eventually('process 1 of the lab', 20_000, () => childrenOf(lab.pid ?? 0)[0], { everyMs: 5 }).then(
    (pid) => writeLabRecord(plan.directory, (record = { ...record, inside: identityOf(pid) })),
    () => undefined, // its end is told below
  );
  const lines = createInterface({ input: lab.stdout ?? process.stdin });
  lines.on('line', (line) => {
    const event = labEventSchema.parse(parseJson(line));
    if (!('ready' in event)) {
      tell(event);
      return;
    }
    record = { ...record, state: 'ready' };
    void writeLabRecord(plan.directory, record).then(() => tell(event));
  });
  return new Promise((resolve, reject) => {
    lab.once('error', reject);
    lab.once('exit', (code) => resolve(code ?? 1));
  });
}

function tell(event: LabEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

// The end is said and everything is put away: nothing that is still open may keep the supervisor.
main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    tell({ say: `  ✗ ${error instanceof Error ? error.message : String(error)}` });
    process.exit(1);
  },
);
