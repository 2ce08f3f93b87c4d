import type { SshGatewayAnswer } from '@paravcl/shared/api/ssh-gateway';
import type { Clock } from '@paravcl/shared/clock';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { MasterConfig } from './config';
import type { UnitOfWork } from './db/unit-of-work';
import type { BoundRoute } from './http/binding';
import { sshGatewayRoutes } from './http/ssh-gateway-routes';
import type { Job } from './jobs/periodic';
import { GuestPorts, type GuestPortsParts } from './services/guest-ports';
import type { SessionService } from './services/session-service';
import { SshLogins } from './services/ssh-logins';
import { hostKeyFile, openHostKey } from './ssh/host-key';
import { SshGateway } from './ssh/ssh-gateway';
import { greetingLines } from './ssh/ssh-greeting';
import { sshLimits } from './ssh/ssh-settings';

export interface SshFoundation {
  readonly config: MasterConfig;
  readonly unit: UnitOfWork;
  readonly clock: Clock;
  readonly log: Logger;
  readonly sessions: SessionService;
  readonly relay: GuestPortsParts['relay'];
  readonly connections: GuestPortsParts['connections'];
  readonly onLogin: () => void;
}

/** The SSH gateway, wired. Without one nothing listens, and `/ssh-gateway` says so. */
export interface ComposedSsh {
  readonly routes: readonly BoundRoute[];
  readonly jobs: readonly (readonly [string, Job, number])[];
  /** Opens its port. Throws with the way out when that is not to be had. */
  listen(): Promise<void>;
  /** Hangs up on everybody, and writes down that they were there. */
  close(): Promise<void>;
}

export async function composeSsh({ config, unit, clock, log, sessions, relay, connections, onLogin }: SshFoundation): Promise<ComposedSsh> {
  const { enabled, host, port, ports, maxConnections, maxPerUser } = config.gateway.ssh;
  if (!enabled) return { routes: sshGatewayRoutes(() => ({ enabled: false })), jobs: [], listen: () => Promise.resolve(), close: () => Promise.resolve() };
  const directory = join(config.stateDir, 'ssh');
  const hostKey = await openHostKey(directory);
  const guestPorts = new GuestPorts({ unit, ports, connections, relay });
  const publicHost = new URL(config.publicUrl).hostname.replace(/^\[|\]$/g, '');
  let listensAt = port;
  const standing = (): SshGatewayAnswer => ({ enabled: true, host: publicHost, port: listensAt, hostKeyFingerprint: hostKey.fingerprint, hostKey: hostKey.publicKey, ports: [...guestPorts.ports], guestUser: config.guests.user });
  const gateway = new SshGateway({
    hostKey, clock, log,
    settings: { host, port, maxConnections, maxPerUser },
    logins: new SshLogins({ unit, clock, sessions, onAdmitted: onLogin }),
    ports: guestPorts,
    greeting: async ({ userId, userName }) => greetingLines({ userName, host: publicHost, port: listensAt, guestUser: config.guests.user, machines: await guestPorts.running(userId), ports: guestPorts.ports }),
  });
  return {
    routes: sshGatewayRoutes(standing),
    jobs: [['ssh', { run: () => gateway.endLapsed() }, sshLimits.lapseEveryMs]],
    listen: async () => {
      listensAt = await gateway.listen();
      log.info({ host, port: listensAt, hostKeyFile: hostKeyFile(directory), hostKeyFingerprint: hostKey.fingerprint }, 'the SSH gateway is ready');
    },
    close: () => gateway.close(),
  };
}
