import { commandLinePath } from '@paravcl/shared/api/command-line';
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { shellWord } from '@paravcl/shared/shell-quote';
import { checkedDownload, type DownloadOrigin } from './checked-download';

/** `packages/cli` beside the master, in this repository as where it is installed. */
const fileBesideMaster = join(__dirname, '..', '..', '..', 'cli', 'dist', 'paravcl.cjs');

/** As docs/cli.md says, and as the file was tried with. */
const oldestNode = '20.19';

export interface GivenCommandLine {
  readonly content: Buffer;
  readonly sha256: string;
}

/** How one gets the command line and logs in with it. */
export interface CommandLineWay {
  readonly file: { readonly url: string; readonly sha256: string; readonly sizeBytes: number; readonly oldestNode: string; readonly install: string } | null;
  readonly login: string;
}

/** The command line as the build made it: one file, which people take from the master that they use it with. */
export class CommandLineFile {
  private known: { readonly version: string; readonly given: GivenCommandLine } | null = null;

  constructor(
    private readonly master: DownloadOrigin,
    private readonly path: string = fileBesideMaster,
  ) {}

  /** As it lies there now; null when there is none. It is read again when it has changed. */
  async read(): Promise<GivenCommandLine | null> {
    try {
      const { ino, size, mtimeNs } = await stat(this.path, { bigint: true });
      const version = `${String(ino)} ${String(size)} ${String(mtimeNs)}`;
      if (this.known?.version !== version) {
        const content = await readFile(this.path);
        this.known = { version, given: { content, sha256: createHash('sha256').update(content).digest('hex') } };
      }
      return this.known.given;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  async way(): Promise<CommandLineWay> {
    const given = await this.read();
    const { url, caFingerprint } = this.master;
    const hex = caFingerprint === null ? null : Buffer.from(caFingerprint, 'base64url').toString('hex').toUpperCase();
    const login = `paravcl login ${shellWord(url)}${hex === null ? '' : ` --fingerprint ${(hex.match(/../g) ?? []).join(':')}`}`;
    if (given === null) return { file: null, login };
    const { content, sha256 } = given;
    const fetch = checkedDownload(this.master, commandLinePath, 'paravcl', sha256);
    // In a new directory of one's own: nobody else changes it between the check and the copy.
    const install = `(d="$(mktemp -d)" && trap 'rm -rf "$d"' EXIT && cd "$d" && ${fetch} && mkdir -p ~/.local/bin && install -m 0755 paravcl ~/.local/bin/paravcl)`;
    return { file: { url: `${url}${commandLinePath}`, sha256, sizeBytes: content.length, oldestNode, install }, login };
  }
}
