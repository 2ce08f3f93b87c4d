import { execFile } from 'node:child_process';

const states = { ready: ['--ready', `--pid=${String(process.pid)}`], stopping: ['STOPPING=1'] } as const;
const deadlineMs = 5000;

/**
 * sd_notify(3) by systemd's own command, as Node has no datagram sockets of the unix kind; nothing when
 * systemd did not start us. Without --no-block, whose message is lost when the command ends before systemd
 * has looked whose child it is. That it fails is logged and no more: systemd has its own deadline.
 */
export function tellSystemd(state: keyof typeof states, environment: NodeJS.ProcessEnv, log: { warn(fields: object, message: string): void }): Promise<void> {
  if (!environment['NOTIFY_SOCKET']) return Promise.resolve();
  return new Promise((resolve) => {
    execFile('systemd-notify', [...states[state]], { env: { ...environment, LC_ALL: 'C' }, timeout: deadlineMs }, (error) => {
      if (error !== null) log.warn({ err: error }, `systemd could not be told that the master is ${state}`);
      resolve();
    });
  });
}
