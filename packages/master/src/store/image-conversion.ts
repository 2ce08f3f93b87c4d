import { MiB } from '@paravcl/shared/domain/limits';
import type { ParavclError } from '@paravcl/shared/errors';
import { parseJson } from '@paravcl/shared/parse-json';
import { Qcow2Refused } from '@paravcl/shared/qcow2-header';
import { dirname } from 'node:path';
import { z } from 'zod';
import { runCaged, type Ended } from './caged-program';
import { missingProgram, notInstalled } from './conversion-programs';
import { watchRoom } from './room-watch';
import { storageFull } from './storage-room';

export interface ConversionLimits {
  /** Of address space. qemu-img needs a few hundred MiB; a hostile image may make it want everything. */
  readonly memoryMiB: number;
  /** Time for any image, and for each GiB of its file and of its disk on top: a slow disk writes 20 MiB a second. */
  readonly seconds: number;
  readonly secondsPerGiB: number;
  /** Room that stays free on the file system, whatever an image does: the database may lie there. See watchRoom. */
  readonly reserveBytes: number;
}

/** A qcow2 image whose header has passed our own parser. */
export interface Qcow2Source {
  readonly file: string;
  readonly bytes: number;
  readonly virtualSizeBytes: number;
}

const usual: ConversionLimits = { memoryMiB: 4096, seconds: 300, secondsPerGiB: 60, reserveBytes: 64 * MiB };
const mostReport = 64 * 1024;

/** What `qemu-img check --output=json` prints; a count that is 0 may be left out. */
const checkReportSchema = z.object({ corruptions: z.int().nonnegative().default(0) });
/** Exit codes of qemu-img check, as its manual has them: nothing found, and clusters that are only lost to others. */
const soundCodes: readonly (number | null)[] = [0, 3];

/**
 * `qemu-img` on what strangers uploaded, caged (see runCaged): it checks a qcow2 image, then makes it raw. The header must
 * have passed our own parser: qemu-img would open whatever other file it names.
 */
export class ImageConversion {
  constructor(
    private readonly limits: ConversionLimits = usual,
    /** Where prlimit, setpriv and qemu-img are looked for. */
    private readonly path = process.env['PATH'],
  ) {}

  /** The program that is missing on this machine for it, as an error to tell; null when all are there. */
  async missing(): Promise<ParavclError | null> {
    const program = await missingProgram(this.path);
    return program === null ? null : notInstalled(program);
  }

  /**
   * Looks whether all that its tables name is there, once: a conversion would read zeros where the file ends, and call it
   * a disk. Clusters that nothing names (leaks) are no fault. One that was not closed in order (`dirty`) may have errors that
   * are no loss, and another way out. Throws Qcow2Refused, `conflict` with what to install.
   */
  async check(source: Qcow2Source, { dirty }: { readonly dirty: boolean }): Promise<void> {
    const seconds = this.secondsFor(source);
    let report = '';
    const ended = await runCaged(['qemu-img', 'check', '--output=json', '-f', 'qcow2', '--', source.file], { ...this.limits, seconds, fileBytes: 0, path: this.path }, (text) => {
      report = (report + text).slice(0, mostReport);
    });
    const errors = errorsIn(report);
    if (errors > 0) throw new Qcow2Refused(sayDamaged(errors, dirty));
    if (!soundCodes.includes(ended.code)) throw unreadable(ended, seconds, [source.file]);
  }

  /**
   * Writes `target`, sparse; percent as it goes on. Throws Qcow2Refused when qemu-img cannot read the image or takes
   * beyond its limits, `storage-full`, `conflict` with what to install. Whoever calls removes `target`. `onProgress` may throw to end it.
   */
  async toRaw(source: Qcow2Source, target: string, onProgress: (percent: number) => void): Promise<void> {
    const { reserveBytes } = this.limits;
    const directory = dirname(target);
    const seconds = this.secondsFor(source);
    const stop = new AbortController();
    const endWatch = await watchRoom(directory, reserveBytes, (error) => stop.abort(error));
    try {
      stop.signal.throwIfAborted();
      const ended = await runCaged(
        ['qemu-img', 'convert', '-p', '-f', 'qcow2', '-O', 'raw', '-S', '4k', '--', source.file, target],
        // The disk's size: no file of it may be longer. Alignment of the last cluster goes beyond.
        { ...this.limits, seconds, fileBytes: source.virtualSizeBytes + 16 * MiB, path: this.path },
        (text) => {
          const percent = /\((\d+(?:\.\d+)?)\/100%\)[^(]*$/.exec(text)?.[1];
          if (percent !== undefined) onProgress(Number(percent));
        },
        stop,
      );
      if (ended.told.includes('No space left on device') || ended.told.includes('Disk quota exceeded')) throw storageFull(directory);
      if (ended.code !== 0) throw unreadable(ended, seconds, [source.file, target]);
    } finally {
      endWatch();
    }
  }

  private secondsFor({ bytes, virtualSizeBytes }: Qcow2Source): number {
    const { seconds, secondsPerGiB } = this.limits;
    return Math.ceil(seconds + (secondsPerGiB * (bytes + virtualSizeBytes)) / (1024 * MiB));
  }
}

/** 0 also for what is no report: then the exit code says what there was. */
function errorsIn(report: string): number {
  try {
    return checkReportSchema.parse(parseJson(report)).corruptions;
  } catch {
    return 0;
  }
}

function sayDamaged(errors: number, dirty: boolean): string {
  const found = `${errors} ${errors === 1 ? 'error' : 'errors'} by qemu-img check`;
  if (dirty) return `The image was not closed in order (${found}): shut down the machine that has it and export it again, or mend it with "qemu-img check -r all".`;
  return `The image is damaged (${found}): it was cut short or copied badly; export it again.`;
}

function unreadable({ code, signal, told }: Ended, seconds: number, files: readonly string[]): Qcow2Refused {
  if (signal !== null) return new Qcow2Refused(`Reading the image took more than it may (${seconds} s of time, or memory; ended by ${signal}). Write it anew with "qemu-img convert -O qcow2".`);
  // Its words, without our paths in them.
  const words = files.reduce((text, file) => text.replaceAll(file, 'the image'), told.trim().split('\n')[0] ?? '');
  return new Qcow2Refused(`The image cannot be read: ${words === '' ? `qemu-img ended with ${String(code)}` : words}. Export it again, or write it anew with "qemu-img convert -O qcow2".`);
}
