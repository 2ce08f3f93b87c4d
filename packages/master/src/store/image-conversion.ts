import { MiB } from '@paravcl/shared/domain/limits';
import type { ParavclError } from '@paravcl/shared/errors';
import { Qcow2Refused } from '@paravcl/shared/qcow2-header';
import { spawn } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { missingProgram, notInstalled } from './conversion-programs';
import { storageFull } from './storage-room';

export interface ConversionLimits {
  /** Of address space. qemu-img needs a few hundred MiB; a hostile image may make it want everything. */
  readonly memoryMiB: number;
  /** Time for any image, and for each GiB of its file and of its disk on top: a slow disk writes 20 MiB a second. */
  readonly seconds: number;
  readonly secondsPerGiB: number;
  /** Room that stays free on the file system: the database may lie there. */
  readonly reserveBytes: number;
}

const usual: ConversionLimits = { memoryMiB: 4096, seconds: 300, secondsPerGiB: 60, reserveBytes: 64 * MiB };
const lookEveryMs = 500;
const mostErrorText = 4096;

/**
 * `qemu-img convert` from qcow2 to raw. It reads what strangers uploaded, so it runs with limits of its own (prlimit of
 * util-linux), gains no privileges, and dies with the master (setpriv). The header must have passed our own parser:
 * qemu-img would open whatever other file it names.
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
   * Writes `target`, sparse; percent as it goes on. Throws Qcow2Refused when qemu-img cannot read the image or takes
   * beyond its limits, `storage-full`, `conflict` with what to install. Whoever calls removes `target`. `onProgress` may throw to end it.
   */
  async toRaw(source: { readonly file: string; readonly bytes: number; readonly virtualSizeBytes: number }, target: string, onProgress: (percent: number) => void): Promise<void> {
    const { memoryMiB, seconds, secondsPerGiB, reserveBytes } = this.limits;
    const time = Math.ceil(seconds + (secondsPerGiB * (source.bytes + source.virtualSizeBytes)) / (1024 * MiB));
    // The disk's size: no file of it may be longer. Alignment of the last cluster goes beyond.
    const fileBytes = source.virtualSizeBytes + 16 * MiB;
    const child = spawn(
      'prlimit',
      [
        ...[`--as=${memoryMiB * MiB}`, `--cpu=${time}`, `--fsize=${fileBytes}`, '--nofile=64', '--core=0', '--'],
        ...['setpriv', '--pdeathsig', 'KILL', '--no-new-privs', '--'],
        ...['qemu-img', 'convert', '-p', '-f', 'qcow2', '-O', 'raw', '-S', '4k', '--', source.file, target],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: this.path, LC_ALL: 'C' }, cwd: '/' },
    );
    // Not spawn's own timeout: of a program that is not there it would leave the timer.
    const deadline = setTimeout(() => child.kill('SIGKILL'), time * 1000);
    let told = '';
    let ended: { readonly error: unknown } | null = null;
    const end = (error: unknown): void => {
      ended ??= { error };
      child.kill('SIGKILL');
    };
    child.stdout.setEncoding('latin1').on('data', (text: string) => {
      const percent = /\((\d+(?:\.\d+)?)\/100%\)[^(]*$/.exec(text)?.[1];
      try {
        if (percent !== undefined) onProgress(Number(percent));
      } catch (error) {
        end(error);
      }
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      told = (told + text).slice(0, mostErrorText);
    });
    const watch = setInterval(() => {
      statfs(dirname(target)).then(
        ({ bavail, bsize }) => {
          if (bavail * bsize < reserveBytes) end(storageFull(dirname(target)));
        },
        // What is wrong with the directory the conversion itself will find.
        () => undefined,
      );
    }, lookEveryMs);
    try {
      const { code, signal } = await new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', (code, signal) => resolve({ code, signal }));
      });
      const stopped = ended as { readonly error: unknown } | null;
      if (stopped !== null) throw stopped.error;
      if (code !== 0) throw failure({ code, signal, told, seconds: time, directory: dirname(target), files: [source.file, target] });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || ended !== null) throw error;
      throw notInstalled('prlimit', { cause: error });
    } finally {
      clearInterval(watch);
      clearTimeout(deadline);
    }
  }
}

interface Failed {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly told: string;
  readonly seconds: number;
  readonly directory: string;
  readonly files: readonly string[];
}

function failure({ code, signal, told, seconds, directory, files }: Failed): Error {
  if (code === 127) return notInstalled(/failed to execute ([\w-]+)/.exec(told)?.[1] ?? 'A program of the conversion', { cause: new Error(told.trim()) });
  if (told.includes('No space left on device') || told.includes('Disk quota exceeded')) return storageFull(directory);
  if (signal !== null) return new Qcow2Refused(`Reading the image took more than it may (${seconds} s of time, or memory; ended by ${signal}). Write it anew with "qemu-img convert -O qcow2", or upload it as raw.`);
  // Its words, without our paths in them.
  const words = files.reduce((text, file) => text.replaceAll(file, 'the image'), told.trim().split('\n')[0] ?? '');
  return new Qcow2Refused(`The image cannot be read: ${words === '' ? `qemu-img ended with ${String(code)}` : words}. Mend it with "qemu-img check -r all", or upload it as raw.`);
}
