import { invisibleCharacters } from '@paravcl/shared/domain/limits';
import { basename, isAbsolute, normalize } from 'node:path';
import { inOrder, shown, type FileFault } from './file-fault';
import { linesOf, textOf } from './text-file';

/** An image that a list names. */
export interface ListedImage {
  readonly line: number;
  /** Full, and as short as it can be said. */
  readonly path: string;
  /** The last part of the path, without what says its format. */
  readonly name: string;
}

const mostImages = 200;
/** Of names in ParaVCL, and of paths in Linux. */
const longestName = 100;
const longestPath = 4096;
/** Endings that say a format; what else stands behind a dot, as in Ubuntu12.04, belongs to the name. */
const formatEnding = /\.(qcow2?|img|raw|bin|dd|iso)$/i;

/** What an image is called by its path: `/srv/images/Ubuntu12.04amd64.qcow2` is Ubuntu12.04amd64. */
export function imageNameOf(path: string): string {
  const last = basename(path);
  const short = last.replace(formatEnding, '');
  return short === '' ? last : short;
}

/** The list of images: full paths, one a line, which may have blanks in them. Never throws: every fault of the file is told with its line. */
export function readImageFile(file: string, bytes: Buffer): { readonly images: readonly ListedImage[]; readonly faults: readonly FileFault[] } {
  const read = textOf(file, bytes);
  if ('fault' in read) return { images: [], faults: [read.fault] };
  const images: ListedImage[] = [];
  const faults: FileFault[] = [];
  const byPath = new Map<string, number>();
  const byName = new Map<string, number>();
  for (const { line, text } of linesOf(read.text)) {
    const fault = (sentence: string): void => void faults.push({ file, line, sentence });
    const path = normalize(text);
    const name = imageNameOf(path).normalize('NFC');
    const [samePath, sameName] = [byPath.get(path), byName.get(name.toLowerCase())];
    if (Buffer.byteLength(text) > longestPath) fault(`the path has ${String(Buffer.byteLength(text))} bytes, and at most ${String(longestPath)} can be one.`);
    else if (!isAbsolute(text)) fault(`${shown(text)} is no full path: begin it with /.`);
    else if (text.endsWith('/')) fault(`${shown(text)} is a directory: name the file in it.`);
    else if (invisibleCharacters.test(name)) fault(`the name ${shown(name)} has characters that nobody sees: rename the file.`);
    else if (name.length > longestName) fault(`the image would be called ${shown(name)}, ${String(name.length)} characters of at most ${String(longestName)}: rename the file.`);
    else if (samePath !== undefined) fault(`${shown(path)} stands on line ${String(samePath)} already: remove one of the two.`);
    else if (sameName !== undefined) fault(`the image would be called ${shown(name)}, as the one of line ${String(sameName)}: rename one of the two files.`);
    else {
      byPath.set(path, line);
      byName.set(name.toLowerCase(), line);
      images.push({ line, path, name });
    }
  }
  if (images.length === 0 && faults.length === 0) faults.push({ file, line: 1, sentence: 'there is no path in it: one a line, such as /srv/images/ubuntu.qcow2.' });
  if (images.length > mostImages) faults.push({ file, line: images[mostImages]?.line ?? 1, sentence: `at most ${String(mostImages)} images are taken at once, and the file has ${String(images.length)}: cut it in two.` });
  return { images, faults: inOrder(faults) };
}
