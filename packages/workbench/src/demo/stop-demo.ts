import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile, rm, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { parseJson } from '@paravcl/shared/parse-json';
import { eventually } from '../eventually';
import { domainIds } from '../lab/host-evidence';
import { agentScript, labLayout, masterScript } from '../lab/lab-layout';
import { Daemon } from '../process/daemon';
import { runProgram } from '../process/run-program';
import { recordFile, StateDirectoryError, type DemoRecord } from './demo-record';

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
 * Ends everything a demo made, whatever state it is in: agent, mirror and master, the guests of its slave, its
 * network and its files. Idempotent; nothing that the demo did not make is touched. Throws StateDirectoryError, before anything is ended, when another
 * program works in the directory.
 */
export async function stopDemo(stateDir: string, record: DemoRecord, say: (line: string) => void): Promise<void> {
  requireAlone(stateDir);
  const log = labLayout(stateDir).masterLog;
  // The agent first: a master that stops is no reason for it to dial in vain.
  for (const script of [agentScript, masterScript]) {
    for (const pid of processesOf(script, stateDir)) {
      const name = script === agentScript ? (wordsOf(pid).includes('mirror') ? 'mirror' : 'agent') : 'master';
      say((await new Daemon(name, pid, log).stop()) ? `${name} stopped` : `${name} did not stop in time and was ended by force`);
    }
  }
  await endLeftDatabase(stateDir);
  if (record.driver === 'libvirt' && existsSync('/usr/bin/virsh')) {
    for (const domain of await demoDomains(stateDir)) {
      await virsh('destroy', '--', domain.id).catch(() => undefined);
      await virsh('undefine', '--managed-save', '--nvram', '--', domain.id);
      say(`guest ${domain.name} removed`);
    }
    await removeNetwork(record.network.name);
  }
  await removeFiles(stateDir);
  for (const daemon of [...record.hostDaemons].reverse()) {
    if (wordsOf(daemon.pid)[0]?.endsWith(daemon.name) === true) await new Daemon(daemon.name, daemon.pid, log).stop();
  }
  say(existsSync(stateDir) ? `the demo's files in ${stateDir} removed; what else is there is not the demo's and stays` : `${stateDir} removed; nothing of the demo is left`);
}

/** Only what a demo makes, and the directory itself only when nothing else is in it. The record goes last. */
async function removeFiles(stateDir: string): Promise<void> {
  const { masterConfig, masterState, masterLog, agentConfig, agentState, pool, agentLog, mirrorLog } = labLayout(stateDir);
  for (const path of [pool, agentState, masterState, masterConfig, agentConfig, masterLog, agentLog, mirrorLog]) await removeTree(path);
  await rm(recordFile(stateDir), { force: true });
  await rmdir(stateDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'ENOENT') throw error;
  });
}

async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
    throw new StateDirectoryError(`Something writes into ${path} while it is removed. Find it with "fuser -v ${path}", end it, and stop the demo again: what is left is removed then.`, { cause: error });
  }
}

/** A master or an agent of another checkout over this directory is none of this demo's, and would go on writing into what is removed. */
function requireAlone(stateDir: string): void {
  const ours = new Set([process.pid, ...[agentScript, masterScript].flatMap((script) => processesOf(script, stateDir))]);
  const others = processesIn(stateDir).filter((pid) => !ours.has(pid));
  if (others.length === 0) return;
  const told = others.map((pid) => `${String(pid)} (${wordsOf(pid).filter((word) => word !== '').join(' ')})`);
  throw new StateDirectoryError(`${stateDir} is held by ${told.length === 1 ? 'a process' : 'processes'} that this program did not start: ${told.join(', ')}. Nothing was ended. End ${told.length === 1 ? 'it' : 'them'} first: kill ${others.map(String).join(' ')}; then stop the demo again.`);
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
async function endLeftDatabase(stateDir: string): Promise<void> {
  const directory = join(labLayout(stateDir).masterState, 'mariadb');
  const pid = Number((await readFile(join(directory, 'mariadbd.pid'), 'utf8').catch(() => '')).trim());
  const isTheirs = (): boolean => wordsOf(pid).includes(`--datadir=${join(directory, 'data')}`);
  if (!Number.isInteger(pid) || pid <= 1 || !isTheirs()) return;
  process.kill(pid, 'SIGTERM');
  await eventually('the demo’s MariaDB to end', 20_000, () => (isTheirs() ? undefined : true));
}

/** Programs of node that are started over something in this directory. */
function processesIn(stateDir: string): readonly number[] {
  return allProcesses().filter((pid) => {
    const [program = '', ...words] = wordsOf(pid);
    return basename(program) === 'node' && words.some((word) => word.startsWith(`${stateDir}/`) || word.includes(`=${stateDir}/`));
  });
}

const allProcesses = (): readonly number[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number);

/** Runs of one of our own programs over this directory, found by their command lines: a demo that was killed wrote down only some. */
export function processesOf(script: string, stateDir: string): readonly number[] {
  return allProcesses().filter((pid) => {
    const words = wordsOf(pid);
    return words[1] === script && words.some((word) => word.startsWith(`${stateDir}/`));
  });
}

function wordsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
