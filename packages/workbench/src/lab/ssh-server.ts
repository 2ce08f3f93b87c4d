import type { LabHost } from './lab-host';

export interface SshServerOptions {
  readonly rootPassword: string;
  /** Lines of authorized_keys: who logs in as root by a key. */
  readonly authorizedKeys?: string;
}

/** What its keys and its log are called on the host. */
export const sshServerHostKey = '/run/ssh_host_ed25519_key';
export const sshServerLog = '/run/sshd.log';

/**
 * Starts a real OpenSSH server on a lab host, sshd(8), at port 22. Root's home is a new and empty one: what this machine's own root has in
 * its .bashrc would run at every login there, and may wait for something.
 */
export async function startSshServer(host: LabHost, { rootPassword, authorizedKeys = '' }: SshServerOptions): Promise<void> {
  const home = '/run/root';
  await host.run('mkdir', ['-p', '/run/sshd', home]);
  // Not usermod(8), which changes nobody who has a process. /etc is the host's own.
  await host.run('sed', ['-i', `/^root:/s,:[^:]*:\\([^:]*\\)$,:${home}:\\1,`, '/etc/passwd']);
  await host.run('chpasswd', [], { input: `root:${rootPassword}\n` });
  await host.run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', sshServerHostKey]);
  await host.run('tee', ['/run/authorized_keys'], { input: authorizedKeys });
  const config = ['Port 22', `HostKey ${sshServerHostKey}`, 'AuthorizedKeysFile /run/authorized_keys', 'StrictModes no', 'PermitRootLogin yes', 'PasswordAuthentication yes', 'UsePAM no', 'PidFile /run/sshd.pid', 'Subsystem sftp internal-sftp', ''];
  await host.run('tee', ['/run/sshd_config'], { input: config.join('\n') });
  await host.run('/usr/sbin/sshd', ['-f', '/run/sshd_config', '-E', sshServerLog]);
}
