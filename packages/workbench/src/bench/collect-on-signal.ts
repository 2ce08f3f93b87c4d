/**
 * Loaded into a measured process with `--require`: on SIGUSR2 it collects its garbage and writes its resident set
 * (bytes) to the file named in PARAVCL_BENCH_RSS_FILE, so that RSS is compared without what nobody collected yet.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const file = process.env['PARAVCL_BENCH_RSS_FILE'];
if (file !== undefined) {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  process.on('SIGUSR2', () => {
    // The first ones empty the young generation; the later ones take what finalizers and weak references let go.
    let rounds = 0;
    const round = (): void => {
      collect();
      if (++rounds < 4) return void setTimeout(round, 150);
      writeFileSync(`${file}.new`, JSON.stringify(process.memoryUsage()));
      renameSync(`${file}.new`, file);
    };
    round();
  });
}
