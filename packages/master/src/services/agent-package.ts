import { ParavclError } from '@paravcl/shared/errors';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** One file of what a host gets. */
export interface AgentPackageFile {
  /** Below `/opt/paravcl/releases/ID/`, with slashes. */
  readonly path: string;
  /** Of its content, in hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Of its permissions on the host. */
  readonly mode: number;
  /** Where it lies on this machine. */
  readonly source: string;
}

/** What a host gets: the agent in one file, its Node, units and AppArmor rules. */
export interface AgentPackage {
  /** Name of the release: the first 16 hex digits of the SHA-256 of the manifest. */
  readonly id: string;
  /** In the order of the manifest, which is not among them. */
  readonly files: readonly AgentPackageFile[];
  /** Lines `sha256  path`, as `sha256sum --check` reads them. */
  readonly manifest: string;
}

/** `packages/slave` beside the master, in this repository as where it is installed. */
export const packageBesideMaster = join(__dirname, '..', '..', '..', 'slave');

/** The script that puts a release on a host; in the package too, so that it can be taken off again by hand. */
export const installScriptPath = 'paravcl-install.sh';

type Found = Pick<AgentPackageFile, 'path' | 'mode' | 'source'>;

/** Finds what a host gets, and knows it by its hashes. Nothing is read before somebody asks. */
export class AgentPackages {
  /** By source; of the content it had when it was of that size and time. */
  private readonly hashes = new Map<string, { readonly version: string; readonly sha256: Promise<string> }>();

  /**
   * @param directory the slave's package as the build makes it
   * @param node the Node that hosts get
   */
  constructor(
    private readonly directory: string = packageBesideMaster,
    private readonly node: string = process.execPath,
  ) {}

  /** The package as it lies there now. Throws `not-ready` with the way out when a part of it is missing. */
  async read(): Promise<AgentPackage> {
    const found = await this.find();
    const files = await Promise.all(
      found.map(async (file): Promise<AgentPackageFile> => {
        const facts = await stat(file.source, { bigint: true }).catch((cause: unknown) => {
          throw this.incomplete(file.source, cause);
        });
        const version = `${String(facts.ino)} ${String(facts.size)} ${String(facts.mtimeNs)}`;
        return { ...file, sizeBytes: Number(facts.size), sha256: await this.hashOf(file.source, version) };
      }),
    );
    const manifest = files.map(({ sha256, path }) => `${sha256}  ${path}\n`).join('');
    return { id: manifestHash({ manifest }).slice(0, 16), files, manifest };
  }

  private async find(): Promise<readonly Found[]> {
    const below = (path: string, source: string): Found => ({ path, source: join(this.directory, source), mode: 0o644 });
    const all = async (folder: string, ending: string): Promise<readonly Found[]> => {
      const names = await readdir(join(this.directory, folder)).catch((cause: unknown) => {
        throw this.incomplete(join(this.directory, folder), cause);
      });
      return names.filter((name) => name.endsWith(ending)).map((name) => below(`${folder}/${name}`, join(folder, name)));
    };
    const found = [
      below('paravcl-slave.cjs', 'dist/paravcl-slave.cjs'),
      below(installScriptPath, `install/${installScriptPath}`),
      below('paravcl-slave.example.yaml', 'paravcl-slave.example.yaml'),
      { path: 'node/bin/node', source: this.node, mode: 0o755 },
      ...(await all('apparmor', '')),
      ...(await all('systemd', '.service')),
    ];
    // The same content is the same release, whatever order a directory is listed in.
    return found.sort((one, other) => (one.path < other.path ? -1 : 1));
  }

  private incomplete(path: string, cause: unknown): ParavclError {
    const error = new ParavclError('not-ready', `The master has nothing to put on hosts: ${path} is missing. Run "npm run build" in its work tree, or let hostInstalls.packageDirectory name the hosts’ package.`);
    error.cause = cause;
    return error;
  }

  private hashOf(source: string, version: string): Promise<string> {
    const known = this.hashes.get(source);
    if (known?.version === version) return known.sha256;
    const sha256 = hashFile(source);
    this.hashes.set(source, { version, sha256 });
    // One that could not be read is tried again.
    sha256.catch(() => this.hashes.delete(source));
    return sha256;
  }
}

/** SHA-256 of its manifest, in hex: the release, and no other. */
export const manifestHash = ({ manifest }: Pick<AgentPackage, 'manifest'>): string => createHash('sha256').update(manifest).digest('hex');

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
