/** Loaded into a daemon by --require: writes a profile of its processor time when it ends in order. NODE_OPTIONS may not hold --cpu-prof. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join } from 'node:path';

const directory = process.env['PARAVCL_BENCH_PROFILE'];
if (directory !== undefined) {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.start');
  process.on('exit', () => {
    session.post('Profiler.stop', (_error, { profile }) => {
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, `${process.title.split('/').at(-1) ?? 'node'}-${String(process.pid)}.cpuprofile`), JSON.stringify(profile));
    });
  });
}
