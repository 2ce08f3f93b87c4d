import { readFileSync, readdirSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseJson } from '@paravcl/shared/parse-json';
import { eventually } from '../eventually';
import { domainIds } from '../lab/host-evidence';
import { labLayout } from '../lab/lab-layout';
import { Daemon } from '../process/daemon';
import { runProgram } from '../process/run-program';
import { runsFor, type DemoRecord } from './demo-record';

const virsh = (...args: readonly string[]): Promise<string> => runProgram('virsh', ['-c', 'qemu:///system', ...args]);

/** Domains on this machine that belong to the demo: they bear the mark of its slave. */
export async function demoDomains(stateDir: string): Promise<readonly { readonly id: string; readonly name: string }[]> {
  const slaveId = await enrolledSlaveId(stateDir);
  if (slaveId === null) return [];
  const found: { id: string; name: string }[] = [];
  for (const id of await domainIds()) {
    const xml = await virsh('dumpxml', '--inactive', '--', id);
    if (xml.includes(slaveId)) found.push({ id, name: (await virsh('domname', '--', id)).trim() });
  }
  return found;
}

/**
 * Ends everything a demo made, whatever state it is in: agent and master, the guests of its slave, its
 * network and its directory. Idempotent; nothing that is not the demo's is touched.
 */
export async function stopDemo(stateDir: string, record: DemoRecord, say: (line: string) => void): Promise<void> {
  const log = labLayout(stateDir).masterLog;
  for (const name of ['agent', 'master']) {
    for (const started of record.processes.filter((process) => process.name === name)) {
      if (!runsFor(started.pid, stateDir)) continue;
      const gentle = await new Daemon(name, started.pid, log).stop();
      say(gentle ? `${name} stopped` : `${name} did not stop in time and was ended by force`);
    }
  }
  await endLeftProcesses(stateDir);
  if (record.driver === 'libvirt') {
    for (const domain of await demoDomains(stateDir)) {
      await virsh('destroy', '--', domain.id).catch(() => undefined);
      await virsh('undefine', '--managed-save', '--nvram', '--', domain.id);
      say(`guest ${domain.name} removed`);
    }
    await removeNetwork(record.network.name);
  }
  await rm(stateDir, { recursive: true, force: true });
  for (const daemon of [...record.hostDaemons].reverse()) {
    const commandLine = readCommandLine(daemon.pid);
    if (commandLine?.includes(daemon.name) === true) await new Daemon(daemon.name, daemon.pid, log).stop();
  }
  say(`${stateDir} removed; nothing of the demo is left`);
}

async function removeNetwork(name: string): Promise<void> {
  const names = (await virsh('net-list', '--all', '--name')).split('\n').map((line) => line.trim());
  if (!names.includes(name)) return;
  await virsh('net-destroy', '--', name).catch(() => undefined);
  await virsh('net-undefine', '--', name);
}

async function enrolledSlaveId(stateDir: string): Promise<string | null> {
  const text = await readFile(join(labLayout(stateDir).agentState, 'enrolment.json'), 'utf8').catch(() => null);
  return text === null ? null : z.object({ slaveId: z.string().min(10) }).parse(parseJson(text)).slaveId;
}

/** A master that was killed leaves its private MariaDB running for the next one; here there is no next one. */
async function endLeftProcesses(stateDir: string): Promise<void> {
  const left = (): readonly number[] =>
    readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .map(Number)
      .filter((pid) => pid !== process.pid && pid !== process.ppid && readCommandLine(pid)?.includes(`${stateDir}/`) === true && !isOurs(pid));
  for (const pid of left()) {
    try {
      process.kill(pid, 'SIGTERM');
    } catch {
      continue;
    }
  }
  await eventually('the processes of the demo to end', 20_000, () => (left().length === 0 ? true : undefined), { state: () => `still there: ${left().join(', ')}` });
}

/** QEMU is ended by libvirt, and who asked us to stop may have the directory in its command line. */
function isOurs(pid: number): boolean {
  const commandLine = readCommandLine(pid) ?? '';
  return /qemu-system|bootstrap\.mjs|demo-command/.test(commandLine);
}

function readCommandLine(pid: number): string | null {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8');
  } catch {
    return null;
  }
}
