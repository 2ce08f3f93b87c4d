import { setTimeout as pause } from 'node:timers/promises';
import { Command } from 'commander';
import { checkImages } from './check-images';
import { readConfig } from './config';
import { withConfigOptions, type ConfigFlags } from './config-options';
import { MirrorClient } from './disks/mirror-client';
import type { ImageList } from './mirror/control-api';
import { listedImages } from './shown-images';

/** `paravcl-slave images`: what is here of which image, and whether it is right. */
export function imagesCommand(): Command {
  return withConfigOptions(new Command('images').description('list the images of this host; with --check, hash what is here of them again and bring what is damaged'))
    .option('--check [id]', 'hash this image again now, named by the beginning of its id; all of them without an id. Ends with 1 when something could not be made right')
    .action(async ({ check, ...flags }: ConfigFlags & { check?: string | true }) => {
      const mirror = new MirrorClient(readConfig(flags, process.env).poolDir);
      const write = (line: string): void => void process.stdout.write(`${line}\n`);
      const list = await mirror.images();
      if (check !== undefined) process.exitCode = await checkImages(mirror, namedImages(list, check === true ? '' : check), { pause, write });
      else for (const line of listedImages(list)) write(line);
    });
}

/** The ids that begin so, one unless nothing is named. Throws when it is not clear which. */
export function namedImages({ images }: ImageList, beginning: string): readonly string[] {
  const ids = images.map(({ holding }) => holding.manifest).filter((id) => id.startsWith(beginning));
  if (beginning === '' || ids.length === 1) return ids;
  throw new Error(ids.length === 0 ? `No image here begins with ${beginning}. See: paravcl-slave images` : `${ids.length} images here begin with ${beginning}. Name more of the id.`);
}
