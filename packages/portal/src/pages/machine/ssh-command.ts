import type { SshGatewayAnswer } from '@paravcl/shared/api/ssh-gateway';

type Gateway = Extract<SshGatewayAnswer, { readonly enabled: true }>;

/**
 * How one gets into a machine by SSH: over the site's jump host, by the machine's name. An IPv6 address of the jump host is bracketed
 * whatever the port, since `-J` takes what follows a colon for one (ssh(1)); 22 need not be said.
 */
export function sshCommand({ host, port, guestUser }: Pick<Gateway, 'host' | 'port' | 'guestUser'>, userName: string, machine: string): string {
  const at = host.includes(':') ? `[${host}]` : host;
  return `ssh -J ${userName}@${at}${port === 22 ? '' : `:${port}`} ${guestUser}@${machine}`;
}
