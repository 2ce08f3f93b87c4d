import type { SshGatewayAnswer } from '@paravcl/shared/api/ssh-gateway';

type Gateway = Extract<SshGatewayAnswer, { readonly enabled: true }>;

/** How one gets into a machine by SSH: over the site's jump host, by the machine's name. */
export function sshCommand({ host, port, guestUser }: Pick<Gateway, 'host' | 'port' | 'guestUser'>, userName: string, machine: string): string {
  const jump = port === 22 ? host : host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return `ssh -J ${userName}@${jump} ${guestUser}@${machine}`;
}
