export interface SshJump {
  readonly userName: string;
  /** A name or an address, as the gateway is configured. */
  readonly host: string;
  readonly port: number;
  readonly guestUser: string;
  readonly machine: string;
}

/**
 * How one gets into a machine by SSH: over the site's jump host, by the machine's name. An IPv6 address of the jump host is bracketed
 * whatever the port, since `-J` takes what follows a colon for one (ssh(1)); 22 need not be said.
 */
export function sshJumpCommand({ userName, host, port, guestUser, machine }: SshJump): string {
  const at = host.includes(':') ? `[${host}]` : host;
  return `ssh -J ${userName}@${at}${port === 22 ? '' : `:${port}`} ${guestUser}@${machine}`;
}
