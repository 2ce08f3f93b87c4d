// A master reduced to its private database: starts it, tells its process id, and stays until it is killed.
import { systemClock } from '@paravcl/shared/clock';
import { PrivateMariadb } from '../../src/db/private-mariadb';
import { makeLog } from '../../src/log';

setInterval(() => undefined, 1000);
void PrivateMariadb.start(process.argv[2] ?? '', systemClock, makeLog('silent')).then((mariadb) => {
  process.stdout.write(`${String(mariadb.processId)}\n`);
});
