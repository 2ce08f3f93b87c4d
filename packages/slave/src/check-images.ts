import type { MirrorClient } from './disks/mirror-client';
import type { CheckStanding } from './mirror/control-api';

export interface CheckOutput {
  /** Not by a Clock: this keeps the process alive, and nothing else does. */
  pause(ms: number): Promise<void>;
  write(line: string): void;
}

const followEveryMs = 500;
/** Progress is told in steps of so many percent. */
const stepPercent = 10;

const chunks = (count: number): string => `${count} damaged ${count === 1 ? 'chunk' : 'chunks'}`;

/** Has these images of this host hashed again, one after the other, and tells how it goes; 1 when something could not be made right. */
export async function checkImages(mirror: Pick<MirrorClient, 'ask'>, ids: readonly string[], output: CheckOutput): Promise<0 | 1> {
  let [damaged, missing, failed] = [0, 0, 0];
  for (const id of ids) {
    const name = id.slice(0, 12);
    try {
      const check = await followed(mirror, id, output);
      damaged += check.damagedChunks;
      missing += check.missingChunks;
      if (check.fault !== null) throw new Error(check.fault);
      output.write(`${name}  ${check.damagedChunks === 0 ? 'every byte is right' : `${chunks(check.damagedChunks)}${check.missingChunks === 0 ? ', fetched again' : `; ${check.missingChunks} could not be fetched again now, the mirror tries on`}`}`);
    } catch (error) {
      failed += 1;
      output.write(`${name}  could not be checked: ${(error as Error).message}`);
    }
  }
  const checked = `${ids.length - failed} of ${ids.length} ${ids.length === 1 ? 'image' : 'images'} checked`;
  output.write(`${checked}: ${chunks(damaged)}, ${Math.max(0, damaged - missing)} of them right again.`);
  return missing > 0 || failed > 0 ? 1 : 0;
}

async function followed(mirror: Pick<MirrorClient, 'ask'>, id: string, { pause, write }: CheckOutput): Promise<CheckStanding> {
  for (let told = 0; ; await pause(followEveryMs)) {
    const { check, done, totalChunks } = await mirror.ask(id, 'check');
    if (check === undefined) throw new Error('The mirror of this host answered without telling of the check.');
    if (done) return check;
    const percent = Math.floor((100 * check.checkedChunks) / totalChunks / stepPercent) * stepPercent;
    if (percent > told) write(`${id.slice(0, 12)}  ${percent} % hashed`);
    told = Math.max(told, percent);
  }
}
