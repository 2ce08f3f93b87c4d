import { Daemon } from '../process/daemon';
import { isStoppedBySignal } from '../process/process-identity';
import type { DaemonSignal } from './lab-control';
import type { LabHost } from './lab-host';
import { LabError } from './lab-record';
import type { LabSite } from './lab-site';

/** What can be ended and started in a lab: `master`, `database`, `host-2` (its power), `host-2:agent`, `host-2:mirror`, `host-2:libvirtd`. */
export type Target = DaemonTarget | { readonly kind: 'host'; readonly host: string };
type DaemonTarget = { readonly kind: 'master' | 'database' } | { readonly kind: 'agent' | 'mirror' | 'libvirtd'; readonly host: string };

/** Throws LabError with everything there is when the text names none of it. */
export function parseTarget(text: string, hosts: readonly string[]): Target {
  if (text === 'master' || text === 'database') return { kind: text };
  const [host = '', part, ...more] = text.split(':');
  if (hosts.includes(host) && more.length === 0) {
    if (part === undefined) return { kind: 'host', host };
    if (part === 'agent' || part === 'mirror' || part === 'libvirtd') return { kind: part, host };
  }
  throw new LabError(`There is no ${text} in this lab. There are: master, database, ${hosts.map((name) => `${name}, ${name}:agent, ${name}:mirror, ${name}:libvirtd`).join(', ')}.`);
}

/** Ends it at once, or sends it another signal; answers what was done, for people. Throws LabError when it does not run. */
export async function killTarget(site: LabSite, target: Target, signal: DaemonSignal): Promise<string> {
  if (target.kind === 'host') {
    if (signal !== 'KILL') throw new LabError(`${target.host} has its power or not: SIG${signal} is for a process, as in ${target.host}:agent.`);
    const host = site.host(target.host);
    if (!host.isOn) throw new LabError(`${host.name} is off already. Switch it on: npm run lab -- start ${host.name}`);
    await host.powerOff();
    return `${host.name} has lost its power: its guests, agent, mirror and libvirt are dead, its disks are kept.`;
  }
  const pid = pidOf(site, target);
  if (pid === null) throw new LabError(`${nameOf(target)} does not run. Start it: npm run lab -- start ${nameOf(target)}`);
  new Daemon(nameOf(target), pid, '').kill(`SIG${signal}`);
  return `SIG${signal} was sent to ${nameOf(target)}.`;
}

/** Starts it again; answers what was done. Throws LabError when it runs. */
export async function startTarget(site: LabSite, target: Target): Promise<string> {
  const name = nameOf(target);
  if (target.kind === 'database') throw new LabError('The database is the master’s: it starts it again by itself, within seconds.');
  const pid = target.kind === 'host' ? null : pidOf(site, target);
  if (pid !== null && isStoppedBySignal(pid)) throw new LabError(`${name} was stopped by a signal. Let it go on: npm run lab -- kill ${name} --signal CONT`);
  if (pid !== null || (target.kind === 'host' && site.host(target.host).isOn)) throw new LabError(`${name} runs already.`);
  switch (target.kind) {
    case 'master':
      await site.master.start();
      return `The master is ready again.`;
    case 'host': {
      const host = site.host(target.host);
      await host.powerOn();
      await host.startAgent();
      return `${host.name} has power again, and its mirror and agent are started.`;
    }
    case 'agent':
      await site.host(target.host).startAgent();
      return `${name} is started.`;
    case 'mirror':
      await site.host(target.host).startMirror();
      return `${name} is started.`;
    case 'libvirtd':
      await site.host(target.host).startLibvirtd();
      return `${name} answers again.`;
  }
}

/** One line for the master, the database and each host. */
export async function statusLines(site: LabSite): Promise<readonly string[]> {
  const daemon = (name: string, pid: number | null): string => `${name} ${pid === null ? 'dead' : isStoppedBySignal(pid) ? 'stopped by a signal' : 'runs'}`;
  const hosts = await Promise.all(
    site.hosts.map(async (host) => {
      const line = `${host.name.padEnd(10)} ${host.address.padEnd(12)}`;
      if (!host.isOn) return `${line} off`;
      const libvirtd = host.libvirtdPid();
      // One that is stopped answers nobody, and asking it takes until the command gives up.
      const domains = libvirtd === null || isStoppedBySignal(libvirtd) ? 'domains unknown' : await host.evidence.virsh('list', '--name').then((names) => `${String(names.trim().split('\n').filter(Boolean).length)} running domains`, () => 'libvirt does not answer');
      return `${line} on, ${daemon('agent', agentPid(host))}, ${daemon('mirror', mirrorPid(host))}, ${daemon('libvirtd', libvirtd)}, ${domains}`;
    }),
  );
  const ready = site.master.isStarted && (await site.master.isReady());
  const master = `${daemon('master', pidOf(site, { kind: 'master' }))}${ready ? ' and is ready' : ''}, ${daemon('database', site.master.databasePid())}`;
  return [`${'master'.padEnd(10)} ${'10.77.0.1'.padEnd(12)} ${master}`, ...hosts];
}

function nameOf(target: Target): string {
  if ('host' in target) return target.kind === 'host' ? target.host : `${target.host}:${target.kind}`;
  return target.kind;
}

/** Null when it does not run. */
function pidOf(site: LabSite, target: DaemonTarget): number | null {
  switch (target.kind) {
    case 'master':
      return site.master.isStarted && site.master.process.isRunning() ? site.master.process.pid : null;
    case 'database':
      return site.master.databasePid();
    case 'agent':
      return agentPid(site.host(target.host));
    case 'mirror':
      return mirrorPid(site.host(target.host));
    case 'libvirtd':
      return site.host(target.host).libvirtdPid();
  }
}

function agentPid(host: LabHost): number | null {
  return host.agentIsRunning ? host.agent.pid : null;
}

function mirrorPid(host: LabHost): number | null {
  return host.mirrorIsRunning ? host.mirror.pid : null;
}
