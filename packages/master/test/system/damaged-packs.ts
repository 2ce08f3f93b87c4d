import { chmod, open, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** So often, that no chunk in a pack is spared. */
const everyBytes = 64;
/** At the end of a pack stands what finds its chunks; of a small pack it takes less than this. */
const tableBytes = 16 * 1024;

export async function packsOf(masterState: string): Promise<readonly string[]> {
  const directory = join(masterState, 'chunks', 'packs');
  return (await readdir(directory)).map((name) => join(directory, name));
}

/** Turns bytes of all chunks in these packs of a master's store into others, as a failing disk does. */
export async function damagePacks(packs: readonly string[]): Promise<void> {
  for (const path of packs) {
    const content = await readFile(path);
    for (let at = everyBytes; at < content.length - tableBytes; at += everyBytes) content[at] = (content[at] ?? 0) ^ 0xff;
    await overwrite(path, content);
  }
}

/** In its place: whoever has it open reads what is there now. */
async function overwrite(path: string, content: Buffer): Promise<void> {
  await chmod(path, 0o600);
  const file = await open(path, 'r+');
  try {
    await file.write(content, 0, content.length, 0);
  } finally {
    await file.close();
  }
}
