import { runTool } from './describe/run-tool';

/**
 * sd_notify(3) by its command: Node has no datagram sockets of the unix kind. Without --no-block, whose
 * message is lost when the command ends before systemd has looked whose child it is.
 */
export async function tellSystemd(): Promise<void> {
  if (process.env['NOTIFY_SOCKET']) await runTool('systemd-notify', ['--ready', `--pid=${process.pid}`], 5000);
}
