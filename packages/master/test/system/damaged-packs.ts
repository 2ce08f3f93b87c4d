import { chmod, open, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** So often, that no chunk in a pack is spared. */
const everyBytes = 64;
/** Of a pack, from its start: chunks. What finds them stands at the end. */
const chunkPart = 0.9;

/** Turns bytes of the chunks in all packs of a master's store into others, as a failing disk does. */
export async function damagePacks(masterState: string): Promise<void> {
  const directory = join(masterState, 'chunks', 'packs');
  const packs = await readdir(directory);
  if (packs.length === 0) throw new Error(`There is no pack in ${directory}.`);
  for (const name of packs) {
    const path = join(directory, name);
    const content = await readFile(path);
    for (let at = everyBytes; at < content.length * chunkPart; at += everyBytes) content[at] = (content[at] ?? 0) ^ 0xff;
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
