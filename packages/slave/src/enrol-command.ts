import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { systemClock } from '@paravcl/shared/clock';
import type { EnrolmentAnswer } from '@paravcl/shared/protocol/agent-to-master';
import { mkdir } from 'node:fs/promises';
import { Command } from 'commander';
import { journalDirectory, lastReportFile } from './compose-agent';
import { describer, kvmVerdict } from './compose-host';
import { readConfig, type Config } from './config';
import { withConfigOptions, type ConfigFlags } from './config-options';
import { enrol } from './link/enrol';
import { readMachineId } from './link/identity';
import { lockState } from './state-lock';

interface EnrolFlags extends ConfigFlags {
  readonly master: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly name?: string;
  readonly again?: boolean;
}

/** What comes next; paravcl-install.sh knows by it how the host stands. */
export const nextAfterEnrolment: Readonly<Record<EnrolmentAnswer['admission'], string>> = {
  approved: 'It is approved. Start it: systemctl enable --now paravcl-slave',
  pending: 'An operator of the lab has to approve it; start it meanwhile: systemctl enable --now paravcl-slave',
};

/** `paravcl-slave enrol`: enrols this host with a master. */
export function enrolCommand(): Command {
  return withConfigOptions(new Command('enrol').description('enrol this host with a master, with a join token of its operators'))
    .requiredOption('--master <url>', 'address of the master, as in https://master.example:8443')
    .option('--token <token>', 'join token; visible in the process list, prefer --token-file')
    .option('--token-file <file>', 'file that holds the join token; - for standard input')
    .option('--name <name>', 'how people shall call this host (default: the host name)')
    .option('--again', 'give an earlier enrolment up', false)
    .action(async (flags: EnrolFlags) => {
      const config = readConfig({ config: flags.config, stateDir: flags.stateDir, poolDir: flags.poolDir, driver: flags.driver }, process.env);
      const token = await readToken(flags);
      // Not under a running agent: its key and its journal are what changes here.
      const unlock = await lockState(config.stateDir);
      const { name, answer } = await enrolThisHost(config, flags, token).finally(unlock);
      process.stdout.write(`Enrolled as "${name}" (${answer.slaveId}). ${nextAfterEnrolment[answer.admission]}\n`);
    });
}

async function enrolThisHost(config: Config, flags: EnrolFlags, token: string): Promise<{ readonly name: string; readonly answer: EnrolmentAnswer }> {
  for (const directory of [config.stateDir, config.poolDir]) await mkdir(directory, { recursive: true, mode: 0o711 });
  const [machineId, kvm] = await Promise.all([readMachineId(config.machineIdFile), kvmVerdict(config)]);
  const describe = await describer(config, systemClock, kvm, null)(null);
  const macs = describe.interfaces.filter((one) => one.physical).map((one) => one.mac);
  if (macs.length === 0) throw new Error('This host has no network interface the master could know it by.');
  const name = flags.name ?? hostname();
  const answer = await enrol({
    stateDir: config.stateDir,
    memories: [journalDirectory(config), lastReportFile(config)],
    masterUrl: flags.master,
    token,
    name,
    machineId,
    macs: macs.slice(0, 64),
    describe,
    again: flags.again === true,
  });
  return { name, answer };
}

/** From where it was said to be; asked for, without echo, when a person is there. */
async function readToken(flags: EnrolFlags): Promise<string> {
  if (flags.token !== undefined && flags.tokenFile !== undefined) throw new Error('Give the token once: --token or --token-file.');
  if (flags.token !== undefined) return flags.token;
  if (flags.tokenFile === '-') return readInput();
  if (flags.tokenFile !== undefined) {
    return readFile(flags.tokenFile, 'utf8').catch((cause: unknown) => {
      throw new Error(`The token file ${flags.tokenFile ?? ''} cannot be read.`, { cause });
    });
  }
  if (!process.stdin.isTTY) throw new Error('Which token? Give --token-file FILE, or --token-file - to read it from standard input.');
  // readline's echo goes nowhere: the token is a secret until it is used.
  process.stderr.write('Join token: ');
  const prompt = createInterface({ input: process.stdin, terminal: true });
  try {
    return await prompt.question('');
  } finally {
    prompt.close();
    process.stderr.write('\n');
  }
}

async function readInput(): Promise<string> {
  let text = '';
  for await (const part of process.stdin) {
    text += String(part);
    if (text.length > 10_000) throw new Error('Standard input holds more than a join token.');
  }
  return text;
}
