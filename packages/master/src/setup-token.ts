import type { Clock } from '@paravcl/shared/clock';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { MasterConfig } from './config';
import { connect } from './db/connection';
import { runningServer, serverFiles } from './db/mariadb-process';
import { migrate } from './db/migrate';
import { MysqlUnitOfWork } from './db/mysql-unit-of-work';
import { openDatabase, type OpenDatabase } from './db/open-database';
import { privateAddress } from './db/private-mariadb';
import type { IssuedToken } from './services/one-time-tokens';
import { PasswordService } from './services/password-service';
import { RegistrationService } from './services/registration-service';
import { SessionService } from './services/session-service';
import { lockState } from './state-lock';

/**
 * Makes the token with which the first administrator is made; an earlier one stops working. Beside a
 * running master or without one. Null when the site has an administrator.
 */
export async function makeSetupToken(config: MasterConfig, clock: Clock, log: Logger): Promise<IssuedToken | null> {
  const database = await openBesideMaster(config, clock, log);
  try {
    const unit = new MysqlUnitOfWork(database.db, clock);
    const passwords = new PasswordService();
    const sessions = new SessionService({ unit, clock, passwords });
    return await new RegistrationService({ unit, clock, passwords, sessions }).issueSetupToken();
  } finally {
    await database.close();
  }
}

/** What a start prints for the person who makes the first administrator. */
export function setupTokenText({ token, expiresAt }: IssuedToken, publicUrl: string): string {
  return [
    `There is no administrator yet. Whoever has this token makes the first one at ${publicUrl}/setup,`,
    `once, until ${new Date(expiresAt).toISOString()}. It is shown only here; another one: paravcl-master setup-token`,
    token,
    '',
  ].join('\n');
}

/** A private server that runs belongs to the running master: it is used and left alone. */
async function openBesideMaster(config: MasterConfig, clock: Clock, log: Logger): Promise<Pick<OpenDatabase, 'db' | 'close'>> {
  const directory = join(config.stateDir, 'mariadb');
  if (config.database.dsn === undefined && (await runningServer(serverFiles(directory))) !== null) {
    const db = connect(privateAddress(directory), 2);
    return { db, close: () => db.destroy() };
  }
  const unlock = config.database.dsn === undefined ? await lockState(config.stateDir) : () => undefined;
  try {
    const database = await openDatabase(config, clock, log);
    await database.patiently((db) => migrate(db));
    return {
      db: database.db,
      close: async () => {
        await database.close();
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}
