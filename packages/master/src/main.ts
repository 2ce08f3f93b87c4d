#!/usr/bin/env node
import { systemClock, type Clock } from '@paravcl/shared/clock';
import { parseJson } from '@paravcl/shared/parse-json';
import { labClockVariable } from '@paravcl/shared/lab-clock';
import { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { MasterConfig } from './config';
import { configFile, ConfigError, defaultConfigFile, loadConfig } from './config-file';
import { labClock } from './lab-clock';
import { makeLog } from './log';
import { startMaster } from './master';
import { chosenPlacement } from './placement-module';
import type { IssuedToken } from './services/one-time-tokens';
import { makeSetupToken, setupTokenText } from './setup-token';
import { tellSystemd } from './tell-systemd';

interface ConfigOption {
  readonly config?: string;
}

const { version } = parseJson(readFileSync(join(__dirname, '../package.json'), 'utf8')) as { version: string };

/** Our own timers keep no process alive; this does, until everything is stopped in order. */
function stayAlive(): () => void {
  const timer = setInterval(() => undefined, 2 ** 30);
  return () => { clearInterval(timer); };
}

/** The machine's clock; in a test lab the one that all its daemons share. */
function clockOf(environment: NodeJS.ProcessEnv, log: Logger): Clock {
  const file = environment[labClockVariable];
  if (file === undefined || file === '') return systemClock;
  log.warn({ file }, `${labClockVariable} is set: this master lives in the time of a test lab, and its clock jumps when the lab says so`);
  return labClock(file, systemClock, (error) => { log.error({ err: error, file }, 'the clock of the test lab cannot be read; it stays where it was'); });
}

/** With everything tried that is checked without opening anything: a placement module, too. */
function checkedConfig(options: ConfigOption): MasterConfig {
  const config = loadConfig(configFile(options.config), process.env);
  chosenPlacement(config.placement.policy);
  return config;
}

async function run(options: ConfigOption & { readonly check?: true }): Promise<void> {
  if (options.check === true) {
    check(options);
    return;
  }
  const config = checkedConfig(options);
  const log = makeLog(config.logLevel);
  // Crash-only: what nobody foresaw ends the process, and the next start recovers.
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'a fault nobody handled; the master ends');
    process.exit(70);
  });
  const die = stayAlive();
  // A signal that comes while the master starts is kept until there is something to stop.
  const signal = new Promise<NodeJS.Signals>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, resolve);
  });
  const printed: IssuedToken[] = [];
  const source = { file: configFile(options.config), environment: process.env };
  const master = await startMaster(config, clockOf(process.env, log), log, (token) => {
    printed.push(token);
    // Not through the log: that is JSON, is kept and sent elsewhere, and hides secrets.
    process.stderr.write(setupTokenText(token, config.publicUrl));
  }, source);
  if (master.needsSetup && printed.length === 0) log.warn({}, 'there is no administrator yet; an earlier setup token can still be used. Get another: paravcl-master setup-token');
  await tellSystemd('ready', process.env, log);
  log.info({ signal: await signal }, 'master stops');
  await tellSystemd('stopping', process.env, log);
  await master.stop();
  log.info({}, 'master has stopped');
  die();
}

function check(options: ConfigOption): void {
  const config = checkedConfig(options);
  process.stdout.write(`The configuration is valid. The master would listen on ${config.listen.host}:${String(config.listen.port)} as ${config.publicUrl}.\n`);
}

async function setupToken(options: ConfigOption): Promise<void> {
  const config = loadConfig(configFile(options.config), process.env);
  const die = stayAlive();
  const made = await makeSetupToken(config, systemClock, makeLog('silent'));
  die();
  if (made === null) throw new Error('This site has an administrator already. An administrator can make more in the portal or over the API.');
  process.stderr.write(`The first administrator is made with this token until ${new Date(made.expiresAt).toISOString()} at ${config.publicUrl}/setup:\n`);
  process.stdout.write(`${made.token}\n`);
}

const program = new Command('paravcl-master').description('The master of a ParaVCL site: decides, keeps the books, serves the API.').version(version);
const configFlags = '-c, --config <file>';
const configHelp = `YAML file (default: ${defaultConfigFile} when it is there); every option can also be set as PARAVCL_MASTER_… in the environment`;
program.command('run').description('run the master until SIGTERM').option(configFlags, configHelp).option('--check', 'only check the configuration; opens nothing').action(run);
program.command('check').description('check the configuration and tell all its faults; opens nothing').option(configFlags, configHelp).action(check);
program.command('setup-token').description('print the one-time token with which the first administrator is made').option(configFlags, configHelp).action(setupToken);

program.parseAsync().catch((error: unknown) => {
  // A message is for people; the stack is for faults of ours, which `uncaughtException` logs.
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  // Not by running out of work: what a failed start leaves open, the database for one, would keep it alive.
  process.exit(error instanceof ConfigError ? 78 : 1);
});
