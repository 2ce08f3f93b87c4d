import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseJson } from '@paravcl/shared/parse-json';
import { eventually } from '../eventually';
import { buildDemoGuest } from '../guest/demo-guest';
import { isSameProcess } from '../process/process-identity';
import { askLab } from './lab-control';
import { labLayout } from './lab-layout';
import { labEventSchema, type LabPlan } from './lab-plan';
import { claimDirectory, isAlive, labFiles, readLabRecord, removeDead, type LabRecord } from './lab-record';

interface Telling {
  readonly say: (line: string) => void;
  /** The command line of a verb for this lab, for messages. */
  readonly line: (verb: string) => string;
}

/** Brings a lab up under a supervisor that goes on without this process; answers the exit code. Throws LabError when the directory is in use. */
export async function bringUp(plan: LabPlan, { say, line: lineFor }: Telling): Promise<number> {
  await claimDirectory(plan.directory, say);
  // Out here, because a first build fetches packages and the lab has no way out.
  await buildDemoGuest({ onProgress: (line) => say(`    ${line}`) });
  const log = openSync(labFiles(plan.directory).log, 'a', 0o600);
  const supervisor = spawn(process.execPath, [require.resolve('./lab-supervisor'), JSON.stringify(plan)], { detached: true, stdio: ['pipe', 'pipe', log] });
  closeSync(log);
  const { stdin, stdout } = supervisor;
  if (stdin === null || stdout === null) throw new Error('The supervisor was started without pipes.');
  let interrupted = false;
  // It ends when our end of its input is closed.
  const interrupt = (): void => {
    interrupted = true;
    stdin.end();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, interrupt);
  const ready = await new Promise<boolean>((resolve, reject) => {
    const lines = createInterface({ input: stdout });
    lines.on('line', (line) => {
      const event = labEventSchema.parse(parseJson(line));
      if ('ready' in event) resolve(true);
      else if (!interrupted) say(event.say);
    });
    lines.on('close', () => resolve(false));
    supervisor.once('error', reject);
  });
  if (interrupted) {
    say('Interrupted: what was made so far is removed.');
    await endLab(plan.directory, say);
    return 130;
  }
  const record = await readLabRecord(plan.directory);
  if (!ready || record === null) {
    say(`The lab did not come up. What its parts said: the .log files below ${plan.directory}`);
    say(`Remove it: ${lineFor('down')}`);
    return 1;
  }
  for (const line of howToReach(plan.directory, record, lineFor)) say(line);
  stdin.destroy();
  stdout.destroy();
  supervisor.unref();
  return 0;
}

function howToReach(directory: string, record: LabRecord, lineFor: Telling['line']): readonly string[] {
  const layout = labLayout(directory);
  const host = record.hosts[1] ?? record.hosts[0] ?? '';
  return [
    '',
    `The lab runs: ${record.url}/`,
    `  its CA         ${layout.caFile}`,
    `  administrator  admin, password in ${labFiles(directory).password}; POST /api/v1/sessions {"name", "password", "transport": "bearer"} answers a token`,
    `  a host         ${lineFor('exec')} ${host} -- virsh list --all`,
    `  a shell        ${lineFor('exec')} ${host}`,
    `  its logs       ${directory}/${host}/agent.log, mirror.log and host.log beside it; the master's ${layout.masterLog}`,
    `  break it       ${lineFor('kill')} ${host}     also master, database, ${host}:agent, ${host}:mirror, ${host}:libvirtd`,
    `  mend it        ${lineFor('start')} ${host}`,
    `  end it         ${lineFor('down')}`,
  ];
}

/** Ends a lab, alive or dead, and removes its directory; says what it ended. Throws LabError when the directory is not a lab's. */
export async function endLab(directory: string, say: (line: string) => void): Promise<void> {
  const record = await readLabRecord(directory);
  if (record === null) {
    say(`No lab in ${directory}. Another directory is named with --dir.`);
    return;
  }
  if (isAlive(record)) {
    const seen = record.state === 'ready' ? await askLab(labFiles(directory).control, { verb: 'status' }, 5000).catch(() => null) : null;
    if (isSameProcess(record.supervisor)) process.kill(record.supervisor.pid, 'SIGTERM');
    const gone = (): true | undefined => (isAlive(record) ? undefined : true);
    await eventually('the lab to end', 15_000, gone).catch(async () => {
      // With it the kernel ends everything: it is the parent that all of it is bound to.
      if (isSameProcess(record.supervisor)) process.kill(record.supervisor.pid, 'SIGKILL');
      await eventually('the lab to end after SIGKILL', 15_000, gone);
    });
    for (const line of seen?.lines ?? []) say(`  ended: ${line}`);
  } else if (record.state === 'ready') {
    say(`The lab of ${record.startedAt} had ended already.`);
  }
  // The record as it is now: a lab that was told to end while it was made has written its own since.
  const last = await readLabRecord(directory);
  if (last !== null && (isAlive(last) || !(await removeDead(directory, last)))) {
    say(`That lab has ended. Somebody else removes it, or makes another one in ${directory}, at this moment: it is left to them.`);
    return;
  }
  say(`Nothing runs any more, and ${directory} is removed.`);
}
