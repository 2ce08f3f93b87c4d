import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Client, ClientChannel, SFTPWrapper } from 'ssh2';
import { HostInstallFault, type HostAnswer, type HostCommand, type HostConnection, type HostKeySeen, type HostLogin, type HostPlace, type HostUpload } from '../services/host-install-ports';
import { freeMiB } from '../core/free-room';
import { hostWords } from '../core/host-words';
import { shellQuote } from '@paravcl/shared/shell-quote';
import { sayTime } from '../services/say-time';
import { HostOutput } from './host-output';
import { SudoDialogue } from './sudo-dialogue';

const shortMs = 30_000;
/** From asking sudo to its prompt, and from a password to the command's beginning: it is slow where it looks people up over the network. */
const sudoMs = 45_000;

/** Work that ends in time: how to give it up, and what ends then. */
interface Bounds {
  giveUp(fault: HostInstallFault): void;
  /** At once, where it was given up already. */
  onGiveUp(end: (fault: HostInstallFault) => void): void;
  /** Throws where it was given up: then nothing more of it begins. */
  goOn(): void;
}

/** A command that runs. */
interface Running extends Bounds {
  readonly channel: ClientChannel;
}

/** What of standard error is the command's own. */
interface ErrorFilter {
  hear(bytes: Buffer): Buffer;
  end(): Buffer;
}

/** A host that somebody has logged in to by SSH: runs commands there and brings files. */
export class SshHostConnection implements HostConnection {
  /** How commands become root's: not at all, by sudo without asking, by sudo with its password. */
  private root: 'itself' | 'sudo' | 'sudo-asks' | null = null;
  private ended: HostInstallFault | null = null;
  private readonly giveUps = new Set<(fault: HostInstallFault) => void>();

  constructor(
    private readonly client: Client,
    private readonly place: HostPlace,
    private readonly login: HostLogin,
    readonly key: HostKeySeen,
  ) {
    const end = (): void => {
      this.ended ??= new HostInstallFault(`The connection to ${place.address} ended. What was done there stays; begin again, and it goes on from there.`);
      for (const giveUp of this.giveUps) giveUp(this.ended);
    };
    client.on('close', end);
    client.on('end', end);
    client.on('error', end);
  }

  async proveRoot(signal: AbortSignal): Promise<void> {
    const { address } = this.place;
    const { user, credential, sudoPassword } = this.login;
    const options = { timeoutMs: shortMs, signal };
    if ((await this.run(['id', '-u'], options)).out.trim() === '0') {
      this.root = 'itself';
      return;
    }
    // Without what an earlier command was let in by: whether it asks must not depend on when it was asked last.
    const withoutAsking = await this.run(['env', 'LC_ALL=C', 'sudo', '-k', '-n', 'true'], options);
    if (withoutAsking.code === 0) {
      this.root = 'sudo';
      return;
    }
    if (withoutAsking.code === 127 || /sudo.*(not found|No such file)/.test(withoutAsking.err)) throw new HostInstallFault(`${address} has no sudo, and ${user} is not root. Log in as root, or install sudo there and let ${user} use it.`);
    if (sudoPassword === undefined && credential.kind === 'key') throw new HostInstallFault(`sudo on ${address} asks ${user} for a password. Give it as the sudo password, or log in as root.`);
    const asked = await this.runBehindSudo(['true'], options);
    if (asked.code === 0) {
      this.root = 'sudo-asks';
      return;
    }
    if (/not in the sudoers|not allowed|may not run/i.test(asked.err)) throw new HostInstallFault(`${user} may log in at ${address}, but may not use sudo there. Log in as root, or let ${user} use it: usermod -aG sudo ${user}.`);
    throw this.sudoRefuses;
  }

  async run(command: readonly string[], options: HostCommand): Promise<HostAnswer> {
    switch (options.asRoot === true ? this.root : 'itself') {
      case 'itself':
        return this.exec(command, command, options);
      case 'sudo':
        return this.exec(command, ['sudo', '-k', '-n', '--', ...command], options);
      case 'sudo-asks':
        return this.runBehindSudo(command, options);
      case null:
        throw new Error('Nobody has proved yet that commands as root can be run there.');
    }
  }

  /** Throws HostInstallFault when sudo does not take the password. */
  private async runBehindSudo(command: readonly string[], options: HostCommand): Promise<HostAnswer> {
    let timer: NodeJS.Timeout | undefined;
    let isRefused = false;
    const begin = ({ channel, giveUp }: Running): ErrorFilter => {
      const expect = (what: string): void => {
        clearTimeout(timer);
        timer = setTimeout(() => giveUp(new HostInstallFault(`sudo on ${this.place.address} ${what} within ${sudoMs / 1000} s. Try it there (sudo -k true), then begin again.`)), sudoMs);
      };
      expect('neither asked for a password nor began');
      dialogue.begin({
        onAsked: (times) => {
          if (times > 1) {
            isRefused = true;
            channel.end();
            return;
          }
          expect('did not decide about the password');
          // On standard input, where no list of processes shows it.
          channel.write(`${this.sudoPassword}\n`);
        },
        onBegun: () => {
          clearTimeout(timer);
          channel.end(options.input ?? '');
        },
      });
      return dialogue;
    };
    const dialogue = new SudoDialogue();
    try {
      const answer = await this.exec(command, dialogue.command(command), options, begin);
      if (isRefused) throw this.sudoRefuses;
      return answer;
    } finally {
      clearTimeout(timer);
    }
  }

  private exec(command: readonly string[], words: readonly string[], { timeoutMs, signal, input = '', onLine }: HostCommand, begin: (running: Running) => ErrorFilter = ({ channel }) => {
    channel.end(input);
    return { hear: (bytes) => bytes, end: () => Buffer.alloc(0) };
  }): Promise<HostAnswer> {
    const { address } = this.place;
    const program = command[0] ?? '';
    return this.bounded(`${program} on ${address}`, timeoutMs, signal, async ({ giveUp, onGiveUp, goOn }) => {
      let code: number | null = null;
      const { channel, closed } = await new Promise<{ readonly channel: ClientChannel; readonly closed: Promise<unknown> }>((resolve, reject) => {
        this.client.exec(shellQuote(words), (error, opened) => {
          if (error === undefined) {
            // Here and not once it is awaited: how it ended may stand in the same piece as that it began.
            opened.on('error', () => undefined).on('exit', (exit: number | null) => (code = exit));
            // Each output comes to an end of its own.
            resolve({ channel: opened, closed: Promise.all([opened, opened.stderr].map((output) => new Promise((close) => output.once('close', close)))) });
          } else reject(new HostInstallFault(`${address} runs no commands for ${this.login.user}: ${plainly(error)}. See its sshd (ForceCommand, the user's shell).`));
        });
      });
      onGiveUp(() => {
        channel.signal('TERM');
        channel.destroy();
      });
      goOn();
      const onFlood = (): void => giveUp(new HostInstallFault(`${program} on ${address} says more than anybody could read, and was given up. See on the host what it says, then begin again.`));
      const [out, err] = [new HostOutput(onLine, onFlood), new HostOutput(onLine, onFlood)];
      const errors = begin({ channel, giveUp, onGiveUp, goOn });
      channel.on('data', (bytes: Buffer) => out.add(bytes));
      channel.stderr.on('data', (bytes: Buffer) => err.add(errors.hear(bytes)));
      await closed;
      if (this.ended !== null && code === null) throw this.ended;
      err.add(errors.end());
      return { code, out: out.end(), err: err.end() };
    });
  }

  async upload({ source, target, sizeBytes, sha256, mode, signal, onProgress }: HostUpload): Promise<boolean> {
    const there = await this.hashOf(target, signal);
    if (there?.sizeBytes === sizeBytes && there.sha256 === sha256) {
      onProgress(sizeBytes);
      return false;
    }
    // What an earlier try left is gone on with only when it is the beginning of this very file.
    const from = there !== null && there.sizeBytes < sizeBytes && there.sizeBytes > 0 && (await hashOfFile(source, there.sizeBytes)) === there.sha256 ? there.sizeBytes : 0;
    await this.send(source, target, from, mode, signal, onProgress);
    const arrived = await this.hashOf(target, signal);
    if (arrived?.sha256 !== sha256) throw new HostInstallFault(`${target} arrived on ${this.place.address} as something else than what was sent. Its disk or memory may be faulty; begin again, and it is sent anew.`);
    return true;
  }

  close(): void {
    this.client.end();
    this.client.destroy();
  }

  private get sudoPassword(): string {
    const { sudoPassword, credential } = this.login;
    return sudoPassword ?? (credential.kind === 'password' ? credential.password : '');
  }

  private get sudoRefuses(): HostInstallFault {
    const { address } = this.place;
    const { user, sudoPassword } = this.login;
    return new HostInstallFault(`${user} may log in at ${address}, but sudo there does not take ${sudoPassword === undefined ? 'the password of the login' : 'this sudo password'}. Give the right one, or log in as root.`);
  }

  private async hashOf(path: string, signal: AbortSignal): Promise<{ readonly sizeBytes: number; readonly sha256: string } | null> {
    const size = await this.run(['stat', '-c', '%s', path], { timeoutMs: shortMs, signal });
    const sizeBytes = Number(size.out.trim());
    if (size.code !== 0 || !Number.isSafeInteger(sizeBytes)) return null;
    const hash = await this.run(['sha256sum', path], { timeoutMs: 5 * 60_000, signal });
    return { sizeBytes, sha256: /^\\?([0-9a-f]{64}) /.exec(hash.out)?.[1] ?? '' };
  }

  private send(source: string, target: string, from: number, mode: number, signal: AbortSignal, onProgress: (bytes: number) => void): Promise<void> {
    const { address } = this.place;
    return this.bounded(`the upload of ${target} to ${address}`, 30 * 60_000, signal, async ({ onGiveUp, goOn }) => {
      const sftp = await new Promise<SFTPWrapper>((resolve, reject) => {
        this.client.sftp((error, opened) => {
          if (error === undefined) resolve(opened);
          else reject(this.ended ?? new HostInstallFault(`${address} takes no files: its SSH server has no SFTP. Add "Subsystem sftp internal-sftp" to /etc/ssh/sshd_config there, restart it, and begin again.`));
        });
      });
      sftp.on('error', () => undefined);
      onGiveUp(() => sftp.end());
      goOn();
      const reading = createReadStream(source, { start: from, highWaterMark: 32 * 1024 });
      const writing = sftp.createWriteStream(target, from === 0 ? { flags: 'w', mode } : { flags: 'r+', start: from, mode });
      onGiveUp((fault) => {
        reading.destroy(fault);
        writing.destroy();
      });
      let sent = from;
      reading.on('data', (bytes) => {
        sent += bytes.length;
        onProgress(sent);
      });
      try {
        await pipeline(reading, writing);
      } catch (error) {
        if (this.ended !== null) throw this.ended;
        if (error instanceof HostInstallFault) throw error;
        throw new HostInstallFault(await this.whyNotWritten(target, error, signal));
      } finally {
        sftp.end();
      }
    });
  }

  /** SFTP has one word for all of it (SSH_FX_FAILURE): the disk itself is asked. */
  private async whyNotWritten(target: string, error: unknown, signal: AbortSignal): Promise<string> {
    const { address } = this.place;
    const directory = target.slice(0, target.lastIndexOf('/')) || '/';
    const disk = await this.run(['df', '-Pk', directory], { timeoutMs: shortMs, signal }).catch(() => null);
    const free = freeMiB(disk?.out ?? '');
    const room = free === null ? '' : ` ${free} MiB are free in ${directory} there.`;
    return `${address} does not take ${target}: ${plainly(error)}.${room} Make room there, or see whether it is mounted read-only; then begin again, and the upload goes on where it was.`;
  }

  /** Ends in time, with the connection, and when it is given up: `onGiveUp` says what ends then. */
  private async bounded<T>(what: string, timeoutMs: number, signal: AbortSignal, work: (bounds: Bounds) => Promise<T>): Promise<T> {
    if (this.ended !== null) throw this.ended;
    const wasGivenUp = (): HostInstallFault => new HostInstallFault(`${what} was given up.`);
    if (signal.aborted) throw wasGivenUp();
    const ends: ((fault: HostInstallFault) => void)[] = [];
    const end: { fault: HostInstallFault | null } = { fault: null };
    let giveUp: (fault: HostInstallFault) => void = () => undefined;
    const givenUp = new Promise<never>((_, reject) => {
      giveUp = (fault) => {
        if (end.fault !== null) return;
        end.fault = fault;
        reject(fault);
        for (const each of ends) each(fault);
      };
    });
    const bounds: Bounds = {
      giveUp: (fault) => giveUp(fault),
      onGiveUp: (each) => {
        if (end.fault === null) ends.push(each);
        else each(end.fault);
      },
      goOn: () => {
        if (end.fault !== null) throw end.fault;
      },
    };
    const onAbort = (): void => giveUp(wasGivenUp());
    const timer = setTimeout(() => giveUp(new HostInstallFault(`${what} did not end within ${sayTime(timeoutMs)}. See on the host what it waits for (a start-up file of the login’s shell, such as ~/.bashrc, runs before it), then begin again.`)), timeoutMs);
    this.giveUps.add(giveUp);
    signal.addEventListener('abort', onAbort);
    try {
      const working = work(bounds);
      working.catch(() => undefined);
      return await Promise.race([working, givenUp]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      this.giveUps.delete(giveUp);
      givenUp.catch(() => undefined);
    }
  }
}

async function hashOfFile(path: string, firstBytes: number): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { end: firstBytes - 1 }), hash);
  return hash.digest('hex');
}

const plainly = (error: unknown): string => hostWords(error instanceof Error ? error.message : String(error), 200).replace(/\.$/, '');
