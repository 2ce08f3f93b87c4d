import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '@paravcl/workbench/process/run-program';

export interface SshRun {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** One that goes on. */
export interface SshProcess {
  readonly child: ChildProcessWithoutNullStreams;
  /** What it has said so far. */
  said(): { readonly out: string; readonly err: string };
  ended: Promise<SshRun>;
}

/** The OpenSSH client of this machine, with files of its own only: its keys, and the hosts it knows. */
export class OpenSsh {
  readonly directory = mkdtempSync(join(tmpdir(), 'open-ssh-'));
  private readonly running = new Set<ChildProcessWithoutNullStreams>();

  /** A new key of its own; answers the line for authorized_keys. */
  async makeKey(name: string, type = 'ed25519'): Promise<string> {
    await runProgram('ssh-keygen', ['-q', '-t', type, ...(type === 'rsa' ? ['-b', '2048'] : []), '-N', '', '-C', name, '-f', this.file(name)]);
    return (await readFile(`${this.file(name)}.pub`, 'utf8')).trim();
  }

  /** From now on `known` is the key of this host; `at` as in `[127.0.0.1]:2222`. */
  async know(at: string, publicKey: string): Promise<void> {
    await writeFile(this.file('known_hosts'), `${at} ${publicKey}\n`, { flag: 'a' });
  }

  file(name: string): string {
    return join(this.directory, name);
  }

  /** Options that make it ask nobody and read nothing of the machine; `key` null: a password, from `askpass`. */
  async options(login: { readonly key: string } | { readonly password: string } | null): Promise<readonly string[]> {
    const common = ['-F', '/dev/null', '-o', `UserKnownHostsFile=${this.file('known_hosts')}`, '-o', 'GlobalKnownHostsFile=/dev/null', '-o', 'StrictHostKeyChecking=yes', '-o', 'IdentityAgent=none', '-o', 'IdentitiesOnly=yes', '-o', 'ExitOnForwardFailure=yes'];
    if (login === null) return [...common, '-o', 'BatchMode=yes', '-o', 'IdentityFile=none'];
    if ('key' in login) return [...common, '-o', 'BatchMode=yes', '-i', this.file(login.key)];
    await writeFile(this.file('password'), login.password, { mode: 0o600 });
    await writeFile(this.file('askpass'), `#!/bin/sh\ncat '${this.file('password')}'\n`, { mode: 0o700 });
    return [...common, '-o', 'PreferredAuthentications=password', '-o', 'NumberOfPasswordPrompts=1'];
  }

  start(args: readonly string[]): SshProcess {
    const child = spawn('ssh', [...args], { env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', SSH_ASKPASS: this.file('askpass'), SSH_ASKPASS_REQUIRE: 'force' } });
    this.running.add(child);
    let out = '';
    let err = '';
    child.stdout.setEncoding('latin1').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.stdin.on('error', () => undefined);
    const ended = new Promise<SshRun>((resolve) => {
      child.on('close', (code) => {
        this.running.delete(child);
        resolve({ code, out, err });
      });
    });
    return { child, ended, said: () => ({ out, err }) };
  }

  /** To its end, with this as its input. */
  async run(args: readonly string[], input: string | Buffer = ''): Promise<SshRun> {
    const started = this.start(args);
    started.child.stdin.end(input);
    return started.ended;
  }

  close(): void {
    for (const child of this.running) child.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}
