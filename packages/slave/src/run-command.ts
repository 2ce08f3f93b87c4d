import { systemClock } from '@paravcl/shared/clock';
import { Command } from 'commander';
import pino from 'pino';
import { startAgent } from './compose-agent';
import { withConfigOptions, type ConfigFlags } from './config-options';
import { readConfig } from './config';
import { standardOutput } from './standard-output';
import { hostClock } from './lab-clock';
import { tellSystemd } from './tell-systemd';

/** `paravcl-slave run`: the agent, until SIGTERM or SIGINT. */
export function runCommand(build: string): Command {
  return withConfigOptions(new Command('run').description('run the agent of this host; guests go on when it ends')).action(async (flags: ConfigFlags) => {
    const config = readConfig(flags, process.env);
    const log = pino(
      {
        level: config.logLevel,
        redact: ['token', 'contentToken', '*.token', '*.contentToken', '*.signature'],
        ...(config.driver === 'simulated' ? { msgPrefix: 'SIMULATED, no real guests: ' } : {}),
      },
      standardOutput(),
    );
    const ended = new Promise<NodeJS.Signals>((resolve) => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve);
    });
    const agent = await startAgent(config, hostClock(systemClock, process.env, log), log, build, () => void tellSystemd());
    // Timers of the agent never keep a process alive by themselves; this one does while it runs.
    const alive = setInterval(() => undefined, 3600_000);
    log.info({ signal: await ended }, 'the agent ends; guests go on');
    clearInterval(alive);
    await agent.stop();
    // A child of a hung tool must not keep an agent that was told to end.
    process.exit(0);
  });
}
