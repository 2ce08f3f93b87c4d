import type { Command } from 'commander';
import type { Act } from '../../act';
import { wrongUsage, Refusal } from '../../errors/refusal';
import { imageNameOf } from '../../fabric/read-image-file';
import { UnfitFile } from '../../files/plain-file';
import { families, groups } from '../../names/kinds';
import { find } from '../../names/resolve';
import { line } from '../../output/advice';
import { tellBytes } from '../../output/sizes';
import { bringImage } from '../../upload/bring-image';
import { hashFile } from '../../upload/hash-file';
import { openImageFile } from '../../upload/image-file';
import { nouns, transferOn, type ImageKind } from '../../upload/send-image';

interface UploadOptions {
  readonly name?: string;
  readonly kind: string;
  readonly format?: string;
  readonly versionOf?: string;
  readonly description?: string;
  readonly visibility?: string;
  readonly group?: string;
}

const examples = `
Examples:
  paravcl images upload ubuntu.qcow2 --name Ubuntu
  paravcl images upload ubuntu-new.qcow2 --version-of Ubuntu
  paravcl images upload vmlinuz --kind kernel --name "Linux 6.1"

An upload that was broken off, by Ctrl-C too, goes on where it was: say the same line again.`;

export function addImageUpload(noun: Command, act: Act): void {
  noun
    .command('upload')
    .argument('<file>', 'a disk (raw or qcow2), a kernel or a ramdisk')
    .description('upload an image, or go on with it')
    .option('--name <name>', 'what it is called; the name of the file without its ending unless told. A name that is there gets a new version')
    .option('--kind <kind>', 'disk, kernel or ramdisk', 'disk')
    .option('--format <format>', 'raw or qcow2; what the file begins like unless told')
    .option('--version-of <image>', 'the image that it is to be a new version of')
    .option('--description <text>', 'a few words about it')
    .option('--visibility <who>', 'public, group or private; as the version before has it unless told')
    .option('--group <name>', 'the group that sees it, with --visibility group')
    .addHelpText('after', examples)
    .action(
      act(async (context, path: string, options: UploadOptions) => {
        const kind = oneOf(options.kind, ['disk', 'kernel', 'ramdisk'], '--kind');
        const format = options.format === undefined ? null : oneOf(options.format, ['raw', 'qcow2'], '--format');
        const visibility = options.visibility === undefined ? null : oneOf(options.visibility, ['public', 'group', 'private'], '--visibility');
        if (kind !== 'disk' && format === 'qcow2') throw wrongUsage(`A ${kind} is a raw file.`);
        const opened = await openImageFile(path, kind === 'disk' ? format : 'raw').catch((error: unknown) => {
          throw error instanceof UnfitFile ? new Refusal(`${path} ${error.message.replace(/\.$/, '')}.`) : error;
        });
        try {
          const family = options.versionOf === undefined ? null : await find(context, { ...families, query: { kind } }, options.versionOf);
          const about = {
            ...(kind === 'disk' ? { format: opened.format } : {}),
            ...(options.description === undefined ? {} : { description: options.description }),
            ...(visibility === null ? {} : { visibility }),
            ...(options.group === undefined ? {} : { ownerGroupId: (await find(context, groups, options.group)).id }),
          };
          const name = options.name ?? family?.name ?? imageNameOf(path);
          const { image, kept } = await context.world.interruptible(async (signal) => {
            try {
              const sha256 = await hashFile(opened.file, opened.sizeBytes, signal, transferOn(context, 'Reading', opened.sizeBytes));
              return await bringImage(context, { kind, name, sha256, sizeBytes: opened.sizeBytes, familyId: family?.id ?? null, about }, opened.file, signal);
            } catch (error) {
              if (signal.aborted && !(error instanceof Refusal)) throw new Refusal('Broken off before anything was sent.', 'the same line again');
              throw error;
            }
          });
          if (context.output.json) return context.output.document(image);
          const what = `${image.friendlyId}, version ${String(image.version)} of ${image.familyName}`;
          context.output.line(kept ? `${what}, has these bytes already and is ready. Nothing was sent.` : `${what}, is ready (${tellBytes(image.sizeBytes)}).`);
          if (image.reason !== null) context.output.warn(image.reason);
          if (image.production) context.output.say(launchHint(kind, image.familyName));
          else context.output.say(`Another version is what a launch of ${image.familyName} gets. This one: ${line`paravcl instances launch ${image.friendlyId}`}`);
        } finally {
          await opened.file.close();
        }
      }),
    );
}

const launchHint = (kind: ImageKind, name: string): string => (kind === 'disk' ? line`Launch it: paravcl instances launch ${name}` : `It is among the ${nouns[kind]} now.`);

function oneOf<const Word extends string>(said: string, words: readonly Word[], option: string): Word {
  const word = words.find((one) => one === said);
  if (word === undefined) throw wrongUsage(`${option} takes ${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}, not "${said}".`);
  return word;
}
