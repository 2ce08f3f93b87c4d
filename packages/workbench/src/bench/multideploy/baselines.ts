import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../../eventually';
import { runProgram } from '../../process/run-program';
import { ReplayProcess, type BootReport } from './replay-orders';
import { inHost, masterAddress } from './shaped-network';
import { StartedProgram } from './started-program';
import { NbdClient } from './nbd-client';
import type { NoiseImage } from './noise-image';

const ports = { nbd: 10_809, copy: 8080, raw: 8081 } as const;
const exportName = 'image';
const pullWithinMs = 120_000;

/** qemu-nbd over a plain file, as everybody has it: over TCP for hosts, or on a socket of this host. */
export class QemuNbd {
  private constructor(
    readonly program: StartedProgram,
    readonly socket: { readonly path: string } | { readonly host: string; readonly port: number },
  ) {}

  /** `at`: "master" listens on the master's link, else on a socket in that directory. */
  static async start(image: NoiseImage, directory: string, at: 'master' | 'local'): Promise<QemuNbd> {
    const socket = at === 'master' ? { host: masterAddress, port: ports.nbd } : { path: join(directory, 'qemu-nbd.sock') };
    const where = 'path' in socket ? ['--socket', socket.path] : ['--bind', socket.host, '--port', String(socket.port)];
    const program = StartedProgram.start(
      ['qemu-nbd', '--read-only', '--persistent', '--format', 'raw', '--shared', '64', '--export-name', exportName, ...where, '--', image.path],
      join(directory, 'qemu-nbd.log'),
    );
    await eventually('qemu-nbd to listen', 20_000, async () => {
      program.checkAlive();
      return NbdClient.open(socket, exportName).then((client) => (client.close(), true as const), () => undefined);
    });
    return new QemuNbd(program, socket);
  }

  get guest() {
    return { socket: this.socket, exportName, mirror: null };
  }

  async stop(): Promise<void> {
    await this.program.end();
    if ('path' in this.socket) await rm(this.socket.path, { force: true });
  }
}

/** Boots of `hosts`, each reading through its own link from the master's qemu-nbd, all at the same time. */
export async function bootFromMaster(nbd: QemuNbd, hosts: readonly number[], order: { readonly traceFile: string; readonly imageFile: string }): Promise<readonly BootReport[]> {
  const readers = hosts.map((number) => new ReplayProcess(inHost(number, ['env']).slice(0, -1)));
  try {
    return await Promise.all(readers.map((reader) => reader.boot({ guests: [nbd.guest], withPauses: true, oneAfterAnother: false, ...order })));
  } finally {
    for (const reader of readers) reader.end();
  }
}

/** Serves a file's beginning from the master, or from a host when its number is given. */
async function serve(file: string, directory: string, options: { readonly tlsDirectory?: string; readonly host?: { readonly number: number; readonly address: string } }): Promise<{ readonly url: string; readonly program: StartedProgram }> {
  const { tlsDirectory, host } = options;
  const address = host?.address ?? masterAddress;
  const port = tlsDirectory === undefined ? ports.raw : ports.copy;
  const command: [string, ...string[]] = [process.execPath, join(__dirname, 'bulk-server.js'), address, String(port), file, ...(tlsDirectory === undefined ? [] : [tlsDirectory])];
  const program = StartedProgram.start(host === undefined ? command : inHost(host.number, command), join(directory, 'bulk-server.log'));
  return { url: `${tlsDirectory === undefined ? 'http' : 'https'}://${address}:${String(port)}`, program };
}

const pullScript = join(__dirname, 'bulk-pull.js');

/** Seconds in which every host has `bytes` of the image from the master over HTTPS, all at the same time. */
export async function copyInParallel(image: NoiseImage, hosts: readonly number[], bytes: number, at: { readonly directory: string; readonly tlsDirectory: string }): Promise<number> {
  const { url, program } = await serve(image.path, at.directory, { tlsDirectory: at.tlsDirectory });
  try {
    await listening(url, program);
    const targets = hosts.map((number) => join(at.directory, `copy-${String(number)}`));
    const begunAt = performance.now();
    await Promise.all(hosts.map((number, index) => pull(inHost(number, [process.execPath, pullScript, url, String(bytes), targets[index] ?? '']))));
    const seconds = (performance.now() - begunAt) / 1000;
    for (const target of targets) await rm(target, { force: true });
    return seconds;
  } finally {
    await program.end();
  }
}

/** What TCP moves over one link, Mbit/s of content: from the master to a host and the other way. */
export async function rawLinkMbps(image: NoiseImage, host: { readonly number: number; readonly address: string }, bytes: number, directory: string): Promise<{ readonly down: number; readonly up: number }> {
  const measure = async (from: 'master' | 'host'): Promise<number> => {
    const { url, program } = await serve(image.path, directory, from === 'host' ? { host } : {});
    try {
      await listening(url, program, from === 'master' ? host.number : null);
      const command: [string, ...string[]] = [process.execPath, pullScript, url, String(bytes)];
      const seconds: number[] = [];
      // The best of three is what the link can; the others had to share the processors.
      for (let run = 0; run < 3; run += 1) seconds.push(await pull(from === 'master' ? inHost(host.number, command) : command));
      return (bytes * 8) / 1e6 / Math.min(...seconds);
    } finally {
      await program.end();
    }
  };
  return { down: await measure('master'), up: await measure('host') };
}

async function listening(url: string, program: StartedProgram, fromHost: number | null = null): Promise<void> {
  const command: [string, ...string[]] = [process.execPath, pullScript, url, '1'];
  await eventually(`${url} to answer`, 20_000, async () => {
    program.checkAlive();
    return pull(fromHost === null ? command : inHost(fromHost, command)).then(() => true as const, () => undefined);
  });
}

async function pull([program, ...args]: readonly [string, ...string[]]): Promise<number> {
  return Number(await runProgram(program, args, { timeoutMs: pullWithinMs }));
}
