import { systemClock } from '@paravcl/shared/clock';
import { setFlagsFromString } from 'node:v8';
import { Command } from 'commander';
import pino from 'pino';
import { startMirror } from './compose-mirror';
import { withConfigOptions, type ConfigFlags } from './config-options';
import { readConfig } from './config';
import { standardOutput } from './standard-output';
import { tellSystemd } from './tell-systemd';

/**
 * V8 optimizes a function after this much of its bytecode was run, thirty times as much as by default. What a mirror does with each chunk
 * is short and various: compiling it again and again cost a tenth of all processor time, and what came of it saved nothing.
 */
const seldomOptimized = '--interrupt-budget=2000000';

/** `paravcl-slave mirror`: brings images to this host and serves them to its guests, until SIGTERM or SIGINT. */
export function mirrorCommand(build: string): Command {
  return withConfigOptions(new Command('mirror').description('run the mirror of this host, which its guests read their images through; they wait while it is away')).action(async (flags: ConfigFlags) => {
    setFlagsFromString(seldomOptimized);
    const config = readConfig(flags, process.env);
    const log = pino({ level: config.logLevel, name: 'mirror' }, standardOutput());
    const ended = new Promise<NodeJS.Signals>((resolve) => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve);
    });
    const mirror = await startMirror(config, systemClock, log, build);
    void tellSystemd();
    log.info({ signal: await ended }, 'the mirror ends; guests that read through it wait for the next one');
    await mirror.stop();
    process.exit(0);
  });
}
