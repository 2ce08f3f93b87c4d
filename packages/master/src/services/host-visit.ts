import { freeMiB } from '../core/free-room';
import { hostWords } from '../core/host-words';
import type { HostFacts } from '../core/install-preflight';
import { readFacts } from '../core/install-preflight';
import { installScriptPath, manifestHash, type AgentPackage, type AgentPackageFile } from './agent-package';
import { HostInstallFault, type HostAnswer, type HostCommand, type HostConnection } from './host-install-ports';
import type { StepTelling } from './host-install-runner';

const shortMs = 30_000;
/** Whoever cancels it does not wait for a host that hangs. */
const leaveMs = 3000;
/** A verb waits no longer for another installation on that host. */
const mostLockSeconds = 300;
const releases = '/opt/paravcl/releases';

/** Where a release is on a host that has it. */
export const installedRelease = (id: string): string => `${releases}/${id}`;

/** What a verb of the script said it did, kept as it was, and left to somebody. */
export interface VerbAnswer {
  readonly did: readonly string[];
  readonly kept: readonly string[];
  readonly left: readonly string[];
}

export interface VerbOptions {
  readonly timeoutMs: number;
  readonly telling: StepTelling;
  readonly input?: string;
}

/** Where root's copy of the script is: nobody but root makes anything in /run. */
const rootDirectory = '/run/paravcl-install';

/**
 * A stay on a host: a directory that is the login's alone (mktemp, 0700) for what is sent, and the verbs of the script. A directory that an
 * earlier stay had to leave behind is found again, with what it had been sent. Root runs nothing of it: the script is copied to root's own
 * place and checked there, and so is the release by the script. So whoever else is that user on the host cannot put theirs in between.
 */
export class HostVisit {
  constructor(
    readonly address: string,
    readonly connection: HostConnection,
    private readonly directory: string,
    private readonly script = '',
  ) {}

  /** Which machine it is, before anything is done there; empty where it has no id. */
  static async machineId(connection: HostConnection, signal: AbortSignal): Promise<string> {
    return hostWords((await connection.run(['cat', '/etc/machine-id'], { timeoutMs: shortMs, signal })).out.trim(), 100);
  }

  static async begin(address: string, user: string, connection: HostConnection, script: AgentPackageFile, signal: AbortSignal): Promise<HostVisit> {
    const options = { timeoutMs: shortMs, signal };
    const left = await connection.run(['find', '/var/tmp', '-maxdepth', '1', '-type', 'd', '-name', 'paravcl-install.*', '-user', user, '-perm', '0700'], options);
    const [found] = left.out.split('\n').filter((line) => /^\/var\/tmp\/paravcl-install\.[A-Za-z0-9]+$/.test(line)).sort();
    const directory = found ?? (await mustWork(address, connection, ['mktemp', '-d', '/var/tmp/paravcl-install.XXXXXXXXXX'], options)).out.trim();
    if (!/^\/var\/tmp\/paravcl-install\.[A-Za-z0-9]+$/.test(directory)) throw new HostInstallFault(`${address} did not make a directory in /var/tmp. Log in there by hand once: its shell must say nothing by itself (a profile that prints is in the way).`);
    const sent = `${directory}/${installScriptPath}`;
    await connection.upload({ source: script.source, target: sent, sizeBytes: script.sizeBytes, sha256: script.sha256, mode: 0o700, signal, onProgress: () => undefined });
    // Named by its content: whoever else puts one there at the same time puts this one.
    const own = `${rootDirectory}/${script.sha256.slice(0, 16)}.sh`;
    await mustWork(address, connection, ['install', '-d', '-m', '0700', rootDirectory], { ...options, asRoot: true });
    await mustWork(address, connection, ['install', '-m', '0700', sent, own], { ...options, asRoot: true });
    const hash = await mustWork(address, connection, ['sha256sum', own], { ...options, asRoot: true });
    if (!hash.out.startsWith(`${script.sha256} `)) {
      await connection.run(['rm', '-f', own], { ...options, asRoot: true });
      throw new HostInstallFault(`The script that was sent to ${address} was changed there before root had it, and was not run. See who else is ${user} on that host, then begin again.`);
    }
    return new HostVisit(address, connection, directory, own);
  }

  /** Where a release is brought. */
  get release(): string {
    return `${this.directory}/release`;
  }

  /** What the host says of itself, beside which machine it is. */
  async facts(machineId: string, signal: AbortSignal): Promise<HostFacts> {
    const said = await this.must(['sh', this.script, 'facts'], { timeoutMs: 60_000, signal, asRoot: true });
    const [name, disk] = await Promise.all([
      this.connection.run(['uname', '-n'], { timeoutMs: shortMs, signal }),
      this.connection.run(['df', '-Pk', this.directory], { timeoutMs: shortMs, signal }),
    ]);
    const free = freeMiB(disk.out);
    return new Map([...readFacts(said.out), ['machine_id', machineId], ['hostname', hostWords(name.out, 100)], ...(free === null ? [] : [['tmp_free_mib', String(free)] as const])]);
  }

  /** What its agent's key says to this nonce (base64url), or why nothing. */
  async prove(nonce: string, signal: AbortSignal): Promise<{ readonly signature: string } | { readonly fault: string }> {
    const { code, out, err } = await this.connection.run(['sh', this.script, 'prove', nonce], { timeoutMs: shortMs, signal, asRoot: true });
    const signature = /^proof=([A-Za-z0-9_-]{86})$/m.exec(out)?.[1];
    if (code === 0 && signature !== undefined) return { signature };
    const fault = /^fault: (.+)$/m.exec(err)?.[1];
    return { fault: fault?.slice(0, 500) ?? `it gave no proof${lastWords(err)}.` };
  }

  /** Ids of instances that have a domain or disks there. */
  async instances(signal: AbortSignal): Promise<readonly string[]> {
    const said = await this.must(['sh', this.script, 'instances'], { timeoutMs: 2 * 60_000, signal, asRoot: true });
    return said.out.split('\n').flatMap((line) => /^instance=(\S{1,100})$/.exec(line)?.[1] ?? []);
  }

  /** Runs a verb of the script as root, and tells its lines as they come. Throws HostInstallFault with its own sentence. */
  async verb(words: readonly string[], { timeoutMs, telling, input }: VerbOptions): Promise<VerbAnswer> {
    const [verb = ''] = words;
    const onLine = (line: string): void => {
      const said = /^(?:did|kept|note): (.+)$/.exec(line)?.[1];
      if (said !== undefined) telling.say(capital(hostWords(said, 500)));
    };
    // Bounded there, too: what hangs does not stay when we have gone.
    const seconds = Math.ceil(timeoutMs / 1000);
    // So that what waits for another installation says so itself, before its own time is up.
    const lockSeconds = Math.max(1, Math.min(mostLockSeconds, seconds - 30));
    const bounded = ['timeout', '--kill-after=10', String(seconds), 'env', `PARAVCL_LOCK_SECONDS=${lockSeconds}`, 'sh', this.script, ...words];
    const { code, out, err } = await this.connection.run(bounded, { timeoutMs: timeoutMs + 15_000, signal: telling.signal, asRoot: true, onLine, ...(input === undefined ? {} : { input }) });
    const lines = out.split('\n');
    const of = (kind: string): string[] => lines.flatMap((line) => (line.startsWith(`${kind}: `) ? [hostWords(line.slice(kind.length + 2), 500)] : [])).slice(0, 100);
    if (code === 0) return { did: of('did'), kept: of('kept'), left: of('left') };
    const fault = [...err.split('\n'), ...lines].find((line) => line.startsWith('fault: '))?.slice('fault: '.length);
    if (fault !== undefined) throw new HostInstallFault(`${this.address}: ${hostWords(fault, 1200)}`);
    if (code === 124 || code === 137) throw new HostInstallFault(`${verb} on ${this.address} did not end within ${Math.ceil(timeoutMs / 60_000)} minutes and was ended there. See what keeps that host (its network, its package mirror), then begin again: it goes on from here.`);
    throw new HostInstallFault(`${verb} on ${this.address} ended with ${code === null ? 'no exit code' : `exit code ${code}`}${lastWords(err || out)}. Begin again; if it ends so again, run it there by hand.`);
  }

  /** Whether this release is in use there, every file of it as it should be. */
  async hasRelease(release: AgentPackage, facts: HostFacts, signal: AbortSignal): Promise<boolean> {
    const { id } = release;
    if (facts.get('installed_release') !== id) return false;
    // By root: what the login's own shell says of it need not be so.
    const options = { timeoutMs: 120_000, signal, asRoot: true };
    const manifest = await this.connection.run(['sha256sum', `${installedRelease(id)}/manifest`], options);
    if (!manifest.out.startsWith(`${manifestHash(release)} `)) return false;
    return (await this.connection.run(['env', '-C', installedRelease(id), 'sha256sum', '--check', '--quiet', 'manifest'], options)).code === 0;
  }

  /** Makes what lies there the release in use: that one and no other. */
  async switchTo(release: AgentPackage, from: string, options: VerbOptions): Promise<VerbAnswer> {
    return this.verb(['switch', from, manifestHash(release)], options);
  }

  /** Brings a release; files that are there from an earlier try, or in the release in use, are not sent again. Answers the bytes that were sent. */
  async bring(release: AgentPackage, telling: StepTelling): Promise<number> {
    const { signal } = telling;
    const directories = [...new Set(release.files.map(({ path }) => `${this.release}/${path}`.replace(/\/[^/]*$/, '')))];
    await this.must(['mkdir', '-p', '-m', '0700', ...directories], { timeoutMs: shortMs, signal });
    const inUse = await this.connection.run(['cat', '/opt/paravcl/current/manifest'], { timeoutMs: shortMs, signal });
    const known = new Set(inUse.code === 0 ? inUse.out.split('\n') : []);
    const all = release.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    let before = 0;
    let sent = 0;
    let told = -1;
    for (const file of release.files) {
      const target = `${this.release}/${file.path}`;
      if (known.has(`${file.sha256}  ${file.path}`)) await this.connection.run(['cp', `/opt/paravcl/current/${file.path}`, target], { timeoutMs: 120_000, signal });
      const onProgress = (bytes: number): void => {
        const percent = Math.floor((100 * (before + bytes)) / Math.max(1, all));
        if (percent === told) return;
        told = percent;
        telling.say(`Sends ${file.path}.`, percent);
      };
      if (await this.connection.upload({ source: file.source, target, sizeBytes: file.sizeBytes, sha256: file.sha256, mode: file.mode, signal, onProgress })) sent += file.sizeBytes;
      before += file.sizeBytes;
    }
    // Its name is its hash: last, and checked there by the script.
    await this.must(['tee', `${this.release}/manifest`], { timeoutMs: shortMs, signal, input: release.manifest });
    return sent;
  }

  /** Leaves nothing of the stay, as far as the host lets it within a moment. */
  async end(): Promise<void> {
    if (this.directory === '') return;
    const options = { timeoutMs: leaveMs, signal: new AbortController().signal };
    // Each for itself: sudo may take longer than that, and what was sent is by far the larger.
    await Promise.allSettled([this.connection.run(['rm', '-rf', '--', this.directory], options), this.removeScript({ ...options, asRoot: true })]);
  }

  private async removeScript(options: HostCommand): Promise<void> {
    if (this.script === '') return;
    await this.connection.run(['rm', '-f', '--', this.script], options);
    // Refused while another script is in it, and that is well.
    await this.connection.run(['rmdir', '--', rootDirectory], options);
  }

  private must(command: readonly string[], options: HostCommand): Promise<HostAnswer> {
    return mustWork(this.address, this.connection, command, options);
  }
}

async function mustWork(address: string, connection: HostConnection, command: readonly string[], options: HostCommand): Promise<HostAnswer> {
  const answer = await connection.run(command, options);
  if (answer.code === 0) return answer;
  throw new HostInstallFault(`${command[0] ?? ''} failed on ${address}${lastWords(answer.err || answer.out)}. Mend that there, then begin again.`);
}

function lastWords(text: string): string {
  const said = hostWords(text.trim().split('\n').slice(-2).join(' / '), 300).replace(/\.$/, '');
  return said === '' ? '' : `: ${said}`;
}

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
