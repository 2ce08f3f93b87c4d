import { parseJson } from '@paravcl/shared/parse-json';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The program as it is installed: one file. */
export const program = resolve(__dirname, '..', '..', 'dist', 'paravcl.cjs');

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunWith {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Somebody's account on some machine: a configuration directory of its own. */
export class CliUser {
  private constructor(readonly configHome: string) {}

  static async make(): Promise<CliUser> {
    return new CliUser(await mkdtemp(join(tmpdir(), 'pvu-')));
  }

  get configFile(): string {
    return join(this.configHome, 'paravcl', 'config.json');
  }

  /** Runs a command to its end. */
  async run(words: readonly string[], { input = '', env = {} }: RunWith = {}): Promise<Ran> {
    const child = this.start(words, env);
    let [out, err] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (err += data.toString()));
    child.stdin.end(input);
    const code = await new Promise<number | null>((done) => child.once('close', done));
    return { code, out, err };
  }

  /** Its one JSON document; fails with what was said where it does not succeed. */
  async json(words: readonly string[], run: RunWith = {}): Promise<unknown> {
    const ran = await this.run([...words, '--json'], run);
    if (ran.code !== 0) throw new Error(`paravcl ${words.join(' ')} ended with ${String(ran.code)}: ${ran.err}`);
    return parseJson(ran.out);
  }

  /** One that goes on; end it by its handle. */
  start(words: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcessWithoutNullStreams {
    return spawn(process.execPath, [program, ...words], { env: { PATH: process.env['PATH'] ?? '', HOME: this.configHome, XDG_CONFIG_HOME: this.configHome, LANG: 'C.UTF-8', ...env } });
  }

  async login(site: { readonly url: string; readonly caFile: string }, { name, password }: { readonly name: string; readonly password: string }): Promise<Ran> {
    return this.run(['login', site.url, '--user', name, '--password-file', '-', '--ca', site.caFile], { input: `${password}\n` });
  }

  remove(): Promise<void> {
    return rm(this.configHome, { recursive: true });
  }
}
