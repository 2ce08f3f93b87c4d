import { hostProofSigningInput } from '@paravcl/shared/protocol/host-proof';
import { createHash, sign, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { posix } from 'node:path';
import { newPrivateKey } from '../../src/ssh/host-key';
import { quietPort } from './quiet-port';
import { Server, utils, type AuthContext, type Connection, type FileEntry, type ServerChannel, type Session, type SFTPWrapper } from 'ssh2';

const { STATUS_CODE: status } = utils.sftp as unknown as { STATUS_CODE: Readonly<Record<string, number>> };

/** What somebody finds who logs in: a host of Debian 12 unless a test says otherwise. */
export class HostDouble {
  /** Its files that matter, by path. */
  readonly files = new Map<string, Buffer>();
  readonly facts = new Map<string, string>(
    Object.entries({
      os_id: 'debian', os_version: '12', os_name: 'Debian GNU/Linux 12 (bookworm)', arch: 'x86_64', glibc: '2.36', systemd: 'running', virtualisation: 'vmx', kvm: 'present', opt_free_mib: '50000', pool_free_mib: '200000', port_7443: 'free', read_only: '', apt: 'present',
    }),
  );
  machineId = createHash('md5').update(String((hosts += 1))).digest('hex');
  readonly root = { password: 'a root password of nine words' };
  /** Somebody who may log in and has to ask for root. */
  readonly other = { name: 'lab', password: 'the password of lab', sudo: 'password' as 'password' | 'free' | 'none' };
  /** Commands that a rule of sudo's lets through without a password, whatever it asks for others. */
  letsThrough: (command: string) => boolean = () => false;
  /** May log in as root. */
  authorised: string | null = null;
  hasPackages = false;
  release = '';
  private manifestHash = '';
  /** What `switch` puts beside the release: the wrapper, the rules of AppArmor. */
  hasWrapper = false;
  hasUnits = false;
  enrolled: { readonly master: string; readonly slave: string } | null = null;
  isStarted = false;
  /** The fingerprint of the authority that it believes its master by, since it follows it; null: none was told. */
  pinned: string | null = null;
  /** Scripts that were run, by their content. */
  readonly ran = new Set<string>();
  /** Of its agent, since it enrolled. */
  agentKey: KeyObject | null = null;
  /** Ids of instances that are on it. */
  instances: readonly string[] = [];
  /** What the removal says it leaves. */
  leaves: readonly string[] = [];
  /** What was changed, in order, by what. */
  readonly did: string[] = [];
  /** Every command as it came, with what was on its standard input; sudo's own share of it aside. */
  readonly heard: { readonly command: string; readonly input: string }[] = [];
  /** What somebody else who is that user does before a command of root's. */
  meddle: (command: string) => void | Promise<void> = () => undefined;
  /** What was given to sudo's prompts. */
  readonly passwords: string[] = [];
  clockOffsetSeconds = 0;
  /** Its `mktemp` has ended by the time that it is known to have begun. */
  isQuick = false;

  /** Scripted: what happens instead of a verb; `hang` says nothing, ever. */
  fault: { readonly verb: string; readonly how: 'fault' | 'hang' | 'cut' | 'cut-after' | 'die' | 'says'; readonly sentence?: string } | null = null;
  /** The connection ends after so many bytes of uploads. */
  cutAfterBytes = Number.POSITIVE_INFINITY;
  /** The disk takes so many bytes of uploads. */
  roomBytes = Number.POSITIVE_INFINITY;
  /** As df says it. */
  freeMiB = 50_000;
  writtenBytes = 0;
  hasSftp = true;
  /** Exchanges a join token for a place in the books. */
  onEnrol: (token: string, name: string) => Promise<{ readonly slave: string; readonly agentKey: KeyObject } | { readonly fault: string }> = () => Promise.resolve({ fault: 'nobody enrols here' });
  /** Whether the agent was started by it, or ran already. */
  onStart: (isNew: boolean) => Promise<void> = () => Promise.resolve();

  private server: Server | null = null;
  private readonly clients = new Set<Connection>();
  hostKey = newPrivateKey();

  get fingerprint(): string {
    const key = utils.parseKey(this.hostKey);
    if (key instanceof Error) throw key;
    return `SHA256:${createHash('sha256').update(key.getPublicSSH()).digest('base64').replace(/=+$/, '')}`;
  }

  /** Listens at 127.0.0.1; its port, the same as before when that is given. */
  async listen(at?: number): Promise<number> {
    const port = at ?? (await quietPort());
    const server = new Server({ hostKeys: [this.hostKey] }, (client) => this.serve(client));
    this.server = server;
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return port;
  }

  async close(): Promise<void> {
    this.cut();
    const { server } = this;
    this.server = null;
    if (server !== null) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  /** Nobody is logged in any more. */
  get isAlone(): boolean {
    return this.clients.size === 0;
  }

  cut(): void {
    for (const client of this.clients) socketOf(client).destroy();
  }

  /** Directories of stays that were not removed. */
  get leftDirectories(): readonly string[] {
    return [...new Set([...this.files.keys()].map((path) => /^\/(?:var\/tmp|run)\/[^/]+/.exec(path)?.[0]).filter((path) => path !== undefined))];
  }

  private serve(client: Connection): void {
    this.clients.add(client);
    socketOf(client).setNoDelay(true);
    let user = '';
    client.on('error', () => undefined).on('close', () => this.clients.delete(client));
    client.on('authentication', (context) => {
      user = context.username;
      if (this.lets(context)) context.accept();
      else context.reject(['password', 'publickey']);
    });
    client.on('session', (accept) => {
      const session: Session = accept();
      session.on('exec', (acceptExec, _reject, { command }) => {
        if (this.isQuick && words(command)[0] === 'mktemp') {
          void this.answerAtOnce(command, user, acceptExec, client);
          return;
        }
        const channel: ServerChannel = acceptExec();
        const input = new Typed(channel);
        void this.answer(command, input, user, channel);
      });
      session.on('sftp', (acceptSftp, reject) => {
        if (this.hasSftp) this.serveFiles(acceptSftp());
        else reject();
      });
    });
  }

  /** All of it arrives in one piece, from that the command begins to how it ended, and before it is given anything. */
  private async answerAtOnce(command: string, user: string, accept: () => ServerChannel, client: Connection): Promise<void> {
    const { code, out = '' } = await this.execute(words(command), '', user);
    const socket = socketOf(client);
    socket.cork();
    const channel = accept();
    channel.write(out);
    channel.exit(code ?? 0);
    channel.end();
    setTimeout(() => socket.uncork(), 20);
  }

  private async answer(command: string, typed: Typed, user: string, channel: ServerChannel): Promise<void> {
    const all = words(command);
    const asking = all.indexOf('-S');
    const behind = asking === -1 ? all : await this.askAsSudo(all, typed, channel);
    const input = behind === null ? '' : await typed.rest();
    this.heard.push({ command, input });
    const { code, out = '', err = '' } = behind === null ? { code: 1 } : await this.execute(behind, input, asking === -1 ? user : 'root');
    if (code === null) return;
    if (err !== '') channel.stderr.write(err);
    if (out !== '') channel.write(out);
    channel.exit(code);
    channel.end();
  }

  /** As sudo -S does: asks on standard error, up to three times, and only where it has to; then the command begins. Null: it does not. */
  private async askAsSudo(all: readonly string[], typed: Typed, channel: ServerChannel): Promise<readonly string[] | null> {
    const prompt = all[all.indexOf('-p') + 1] ?? '';
    const [, , , beginning = '', ...command] = all.slice(all.indexOf('--') + 1);
    if (this.other.sudo === 'none') {
      channel.stderr.write('lab is not in the sudoers file.\n');
      return null;
    }
    const mustAsk = this.other.sudo === 'password' && !this.letsThrough(command.join(' '));
    for (let times = 1; mustAsk; times += 1) {
      channel.stderr.write(prompt);
      const said = await typed.line();
      this.passwords.push(said ?? '');
      if (said === this.other.password) break;
      channel.stderr.write(said === null ? 'sudo: no password was provided\n' : times === 3 ? 'sudo: 3 incorrect password attempts\n' : 'Sorry, try again.\n');
      if (said === null || times === 3) return null;
    }
    channel.stderr.write(beginning);
    return command;
  }

  private lets(context: AuthContext): boolean {
    const password = context.username === 'root' ? this.root.password : context.username === this.other.name ? this.other.password : null;
    if (context.method === 'password') return context.password === password;
    if (context.method !== 'publickey' || this.authorised === null || context.username !== 'root') return false;
    const key = utils.parseKey(this.authorised);
    if (key instanceof Error || !key.getPublicSSH().equals(context.key.data)) return false;
    return context.signature === undefined || context.blob === undefined || key.verify(context.blob, context.signature, context.hashAlgo) === true;
  }

  private serveFiles(sftp: SFTPWrapper): void {
    const open = new Map<number, string>();
    let handles = 0;
    const ok = (id: number): void => void sftp.status(id, status['OK'] ?? 0);
    sftp.on('OPEN', (id, path, flags) => {
      const isNew = (flags & ((utils.sftp.OPEN_MODE as unknown as Readonly<Record<string, number>>)['TRUNC'] ?? 0)) !== 0;
      if (isNew) this.files.set(path, Buffer.alloc(0));
      if (!this.files.has(path)) return void sftp.status(id, status['NO_SUCH_FILE'] ?? 2);
      const handle = (handles += 1);
      open.set(handle, path);
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(handle);
      sftp.handle(id, bytes);
    });
    sftp.on('WRITE', (id, handle, offset, data) => {
      const path = open.get(handle.readUInt32BE()) ?? '';
      if (this.roomBytes < data.length) return void sftp.status(id, status['FAILURE'] ?? 4);
      this.roomBytes -= data.length;
      this.writtenBytes += data.length;
      const before = this.files.get(path) ?? Buffer.alloc(0);
      const whole = Buffer.alloc(Math.max(before.length, offset + data.length));
      before.copy(whole);
      data.copy(whole, offset);
      this.files.set(path, whole);
      this.cutAfterBytes -= data.length;
      if (this.cutAfterBytes <= 0) {
        this.cutAfterBytes = Number.POSITIVE_INFINITY;
        this.cut();
        return;
      }
      ok(id);
    });
    sftp.on('CLOSE', ok).on('FSETSTAT', ok).on('SETSTAT', ok);
    sftp.on('FSTAT', (id) => void sftp.attrs(id, { mode: 0o100600, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 } as FileEntry['attrs']));
    sftp.on('error', () => undefined);
  }

  private async execute(command: readonly string[], input: string, user: string): Promise<{ readonly code: number | null; readonly out?: string; readonly err?: string }> {
    const [program = '', ...args] = command;
    if (user === 'root') await this.meddle(command.join(' '));
    const last = args.at(-1) ?? '';
    switch (program) {
      case 'id':
        return { code: 0, out: user === 'root' ? '0\n' : '1000\n' };
      case 'env':
        return args[0] === '-C' ? { code: 0 } : this.execute(args.slice(1), input, user);
      case 'sudo':
        return this.sudo(args, input);
      case 'find':
        return { code: 0, out: this.leftDirectories.filter((path) => path.startsWith('/var/tmp/')).map((path) => `${path}\n`).join('') };
      case 'mktemp':
        return { code: 0, out: `${last.replace(/X+$/, `Ab${String(this.heard.length)}`)}\n` };
      case 'stat':
        return this.files.has(last) ? { code: 0, out: `${String(this.files.get(last)?.length)}\n` } : { code: 1, err: 'No such file' };
      case 'sha256sum':
        return last === `/opt/paravcl/releases/${this.release}/manifest` ? { code: 0, out: `${this.manifestHash}  ${last}\n` } : this.files.has(last) ? { code: 0, out: `${createHash('sha256').update(this.files.get(last) ?? '').digest('hex')}  ${last}\n` } : { code: 1 };
      case 'uname':
        return { code: 0, out: 'lab-pc-07\n' };
      case 'df':
        return { code: 0, out: `Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda1 100 50 ${String(this.freeMiB * 1024)} 50% /\n` };
      case 'cat':
        return last === '/etc/machine-id' ? { code: 0, out: `${this.machineId}\n` } : { code: 1 };
      case 'mkdir':
        return { code: 0 };
      case 'tee':
        this.files.set(last, Buffer.from(input));
        return { code: 0, out: input };
      case 'true':
        return { code: 0 };
      case 'install': {
        if (args[0] === '-d') return { code: 0 };
        const content = this.files.get(args.at(-2) ?? '');
        if (content === undefined) return { code: 1, err: 'No such file' };
        this.files.set(last, content);
        return { code: 0 };
      }
      case 'rm':
        this.files.delete(last);
        for (const path of this.files.keys()) if (path.startsWith(`${last}/`)) this.files.delete(path);
        return { code: 0 };
      case 'rmdir':
        return { code: [...this.files.keys()].some((path) => path.startsWith(`${last}/`)) ? 1 : 0 };
      case 'timeout':
        return this.execute(args.slice(2), input, user);
      case 'sh':
        if (!this.files.has(args[0] ?? '')) return { code: 2, err: `sh: cannot open ${args[0] ?? ''}\n` };
        this.ran.add(this.files.get(args[0] ?? '')?.toString() ?? '');
        return this.verb(args.slice(1), input);
      default:
        throw new Error(`Nobody told the host what ${program} does.`);
    }
  }

  private sudo(args: readonly string[], input: string): ReturnType<HostDouble['execute']> {
    const program = args.slice(args.includes('--') ? args.indexOf('--') + 1 : args.length - 1);
    if (this.other.sudo === 'none') return Promise.resolve({ code: 1, err: 'lab is not in the sudoers file.\n' });
    if (this.other.sudo === 'password') return Promise.resolve({ code: 1, err: 'sudo: a password is required\n' });
    return this.execute(program, input, 'root');
  }

  private async verb([verb = '', ...args]: readonly string[], input: string): ReturnType<HostDouble['execute']> {
    const { fault } = this;
    if (fault?.verb === verb && fault.how !== 'cut-after') {
      if (fault.how === 'hang') return { code: null };
      if (fault.how === 'says') return { code: 0, out: fault.sentence ?? '' };
      if (fault.how === 'die') return { code: 137 };
      if (fault.how === 'cut') {
        this.cut();
        return { code: null };
      }
      return { code: 1, err: `fault: ${fault.sentence ?? 'scripted'}\n` };
    }
    const answer = await this.does(verb, args, input);
    if (fault?.verb === verb) {
      this.cut();
      return { code: null };
    }
    return answer;
  }

  private async does(verb: string, args: readonly string[], input: string): ReturnType<HostDouble['execute']> {
    const once = (isThere: boolean, what: string, make: () => void): { readonly code: number; readonly out: string } => {
      if (isThere) return { code: 0, out: `kept: ${what}\n` };
      make();
      this.did.push(verb);
      return { code: 0, out: `did: ${what}\n` };
    };
    switch (verb) {
      case 'facts': {
        const now = Math.floor(Date.now() / 1000) + this.clockOffsetSeconds;
        const facts = [...this.facts, ['now', String(now)], ['installed_release', this.release], ['enrolled_master', this.enrolled?.master ?? ''], ['enrolled_slave', this.enrolled?.slave ?? '']];
        return { code: 0, out: facts.map(([name = '', value = '']) => `${name}=${value}\n`).join('') };
      }
      case 'packages':
        return once(this.hasPackages, 'installed libvirt', () => (this.hasPackages = true));
      case 'switch': {
        const [release = '', expected = ''] = args;
        if (release === `/opt/paravcl/releases/${this.release}`) return once(this.hasWrapper, 'put /usr/local/bin/paravcl-slave', () => (this.hasWrapper = true));
        const manifest = this.files.get(posix.join(release, 'manifest'))?.toString() ?? '';
        const lines = manifest.trim().split('\n').map((line) => line.split('  '));
        const wrong = lines.find(([sum = '', path = '']) => createHash('sha256').update(this.files.get(posix.join(release, path)) ?? '').digest('hex') !== sum);
        if (wrong !== undefined) return { code: 1, err: `fault: ${String(wrong[1])} is not what its manifest says.\n` };
        const hash = createHash('sha256').update(manifest).digest('hex');
        if (hash !== expected) return { code: 1, err: 'fault: This is another release than was sent.\n' };
        const id = hash.slice(0, 16);
        return once(this.release === id && this.hasWrapper, `put release ${id}`, () => {
          this.release = id;
          this.manifestHash = hash;
          this.hasWrapper = true;
        });
      }
      case 'units':
        return once(this.hasUnits, 'put the units', () => (this.hasUnits = true));
      case 'enrol': {
        const [master = '', name = '', again] = args;
        if (this.enrolled !== null && again === undefined) return { code: 0, out: 'kept: enrolled\n' };
        const answer = await this.onEnrol(input.trim(), name);
        if ('fault' in answer) return { code: 1, err: `fault: ${answer.fault}\n` };
        // Enrolled in the books, and the answer did not arrive.
        if (this.fault?.verb === 'enrol' && this.fault.how === 'cut-after' && this.fault.sentence === 'answer lost') return { code: null };
        return once(false, 'enrolled', () => {
          this.enrolled = { master, slave: answer.slave };
          this.agentKey = answer.agentKey;
        });
      }
      case 'follow': {
        const [master = '', fingerprint] = args;
        return once(false, `dials ${master}`, () => {
          this.enrolled = { master, slave: this.enrolled?.slave ?? '' };
          this.pinned = fingerprint ?? null;
          this.isStarted = false;
        });
      }
      case 'prove':
        if (this.agentKey === null) return { code: 1, err: 'fault: The agent’s key is not there.\n' };
        return { code: 0, out: `proof=${sign(null, hostProofSigningInput(args[0] ?? '', this.enrolled?.slave ?? ''), this.agentKey).toString('base64url')}\n` };
      case 'instances':
        return { code: 0, out: this.instances.map((id) => `instance=${id}\n`).join('') };
      case 'start':
        await this.onStart(!this.isStarted);
        return once(this.isStarted, 'started paravcl-slave', () => (this.isStarted = true));
      case 'remove': {
        if (this.instances.length > 0 && !args.includes('--force')) return { code: 1, err: 'fault: Instances are still on this host.\n' };
        const { code, out } = once(this.release === '', 'removed everything', () => {
          this.release = '';
          this.enrolled = null;
          this.instances = [];
          this.hasUnits = this.isStarted = this.hasWrapper = false;
        });
        return { code, out: out + this.leaves.map((line) => `left: ${line}\n`).join('') };
      }
      default:
        return { code: 2, err: 'usage\n' };
    }
  }
}

/** What is typed to a command. */
class Typed {
  private text = '';
  private hasEnded = false;
  private wake: () => void = () => undefined;

  constructor(channel: ServerChannel) {
    channel.on('data', (bytes: Buffer) => this.add(() => (this.text += bytes.toString())));
    channel.on('end', () => this.add(() => (this.hasEnded = true)));
    channel.on('error', () => undefined);
  }

  private add(change: () => void): void {
    change();
    this.wake();
  }

  /** Null: it ended before there was one. */
  async line(): Promise<string | null> {
    while (!this.text.includes('\n')) {
      if (this.hasEnded) return null;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    const end = this.text.indexOf('\n');
    const line = this.text.slice(0, end);
    this.text = this.text.slice(end + 1);
    return line;
  }

  async rest(): Promise<string> {
    while (!this.hasEnded) await new Promise<void>((resolve) => (this.wake = resolve));
    return this.text;
  }
}

/** ssh2 gives no other way to end a connection without a word. */
const socketOf = (client: Connection): Socket => (client as unknown as { readonly _sock: Socket })._sock;

let hosts = 0;

/** A shell's words, of commands that were quoted by us. */
function words(command: string): readonly string[] {
  return [...command.matchAll(/(?:'[^']*'|\\'|[^\s'\\])+/g)].map(([word]) => word.replace(/'([^']*)'|\\'/g, (_all, inside: string | undefined) => inside ?? "'"));
}
