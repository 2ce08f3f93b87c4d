import type { Clock } from '@paravcl/shared/clock';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { compose } from './compose';
import type { MasterConfig } from './config';
import type { ConfigSource } from './config-file';
import { migrate } from './db/migrate';
import { openDatabase } from './db/open-database';
import { closeServer, listen } from './https-server';
import { repeat } from './jobs/periodic';
import type { IssuedToken } from './services/one-time-tokens';
import { lockState } from './state-lock';
import { serverIdentity } from './tls/server-identity';

const renewCertificateEveryMs = 12 * 3_600_000;

export interface RunningMaster {
  readonly port: number;
  /** SHA-256 of the CA certificate that agents pin; null with a publicly trusted certificate. */
  readonly caFingerprint: string | null;
  /** Whether the site still waits for its first administrator. */
  readonly needsSetup: boolean;
  stop(): Promise<void>;
}

/**
 * Starts the master: state lock → certificate → database → migrations → parts → jobs → port. Starting is
 * recovering: it does the same after a clean stop and after a kill. What was started is stopped in the
 * opposite order, the database last; so it is when a step fails, whose error is then thrown.
 *
 * @param tellSetupToken gets the token for the first administrator, at a start where there is none and no
 *   earlier token can still be used; it cannot be read again
 * @param source where the configuration is from, for who tries other rules
 */
export async function startMaster(config: MasterConfig, clock: Clock, log: Logger, tellSetupToken: (token: IssuedToken) => void, source: ConfigSource = { file: null, environment: {} }): Promise<RunningMaster> {
  const stops: (() => Promise<void> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (let next = stops.pop(); next !== undefined; next = stops.pop()) await next();
  };
  try {
    stops.push(await lockState(config.stateDir));
    const identify = () => serverIdentity(config.tls, config.publicUrl, join(config.stateDir, 'tls'), new Date(clock.now()));
    const identity = await identify();

    const database = await openDatabase(config, clock, log);
    stops.push(() => database.close());
    const migrations = await database.patiently((db) => migrate(db));
    if (migrations.length > 0) log.info({ migrations }, 'database migrated');

    const metricsToken = config.metrics.tokenFile === undefined ? null : (await readFile(config.metrics.tokenFile, 'utf8')).trim();
    const composition = await compose({ config, source, db: database.db, together: database.together, identity, metricsToken, clock, log });
    composition.start();
    stops.push(() => composition.stop());

    // Before the port is open: from there on somebody may ask for a token, and that one must stay.
    const setupToken = await composition.firstSetupToken();
    if (setupToken !== null) tellSetupToken(setupToken);
    const server = await listen(composition.app, composition.doors, identity, config.listen);
    stops.push(async () => {
      composition.refuse();
      for (const door of composition.doors) door.close();
      await closeServer(server);
    });
    await composition.ssh.listen();
    stops.push(() => composition.ssh.close());
    const renewal = {
      run: async () => {
        const renewed = await identify();
        server.setSecureContext(renewed);
        composition.certificateLasts(renewed.validUntil);
      },
    };
    stops.push(repeat(renewal, renewCertificateEveryMs, clock, (error) => { log.error({ err: error }, 'the certificate could not be renewed'); }));

    const { port } = server.address() as AddressInfo;
    log.info({ host: config.listen.host, port, publicUrl: config.publicUrl, caFingerprint: identity.caFingerprint }, 'master is ready');
    return { port, caFingerprint: identity.caFingerprint, needsSetup: !(await composition.hasAdmin()), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
