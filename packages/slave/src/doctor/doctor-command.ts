import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { systemClock, type Clock } from '@paravcl/shared/clock';
import type { SiteNetwork } from '@paravcl/shared/domain/slave';
import { collectKvm } from '../describe/kvm-probe';
import type { Offer } from '../describe/offer';
import { runTool, type RunTool } from '../describe/run-tool';
import { collectAppArmor, collectLibvirt, collectTools } from './collect-hypervisor';
import { askMaster } from './collect-master';
import { collectMirror } from './collect-mirror';
import { collectRoutes } from './collect-network';
import { collectOffer } from './collect-offer';
import { collectPool } from './collect-pool';
import { diagnose, type DoctorFacts } from './diagnose';
import type { SecretFile } from './diagnose-secrets';
import { exitStatus, reportJson, reportText } from './report';

export interface DoctorOptions {
  readonly stateDir: string;
  readonly poolDir: string;
  /** `qemu:///system` unless set. */
  readonly libvirtUri?: string | undefined;
  /** Set once the host is enrolled. */
  readonly masterUrl?: string | undefined;
  /** Whom the enrolment believes; undefined when the host is not enrolled. */
  readonly trust?: 'pinned' | 'public' | undefined;
  /** The authority kept at enrolment; none with `public`. */
  readonly caPem?: string | undefined;
  /** The guest network as the master last told it. */
  readonly network?: SiteNetwork | null | undefined;
  /** Files only the agent may read, relative to `stateDir` or absolute; absent ones are passed over. */
  readonly secretFiles?: readonly string[] | undefined;
  /** What of the host is lent to the lab. */
  readonly offer?: Offer | undefined;
  /** How other hosts reach the mirror, as configured; port 0, the default, serves none. */
  readonly peers?: { readonly peerPort: number; readonly peerAddress?: string | undefined } | undefined;
  /** When the agent last heard of the master, epoch milliseconds. */
  readonly lastContactAt?: number | null | undefined;
}

export interface DoctorDeps {
  readonly clock?: Clock;
  readonly run?: RunTool;
}

/** Reads everything doctor judges. Never throws for what a host lacks. */
export async function collectFacts(options: DoctorOptions, { clock = systemClock, run = runTool }: DoctorDeps = {}): Promise<DoctorFacts> {
  const { masterUrl, caPem } = options;
  // A pinned authority whose file is gone leaves nobody to believe.
  const trust = options.trust === 'public' ? 'public' : caPem === undefined ? null : 'pinned';
  // The probe loads the machine for a moment; alone, its deadline is fair.
  const kvm = await collectKvm({ run });
  const [libvirt, tools, appArmor, offer, pool, routes, answer, mirror, secrets] = await Promise.all([
    collectLibvirt(options.libvirtUri ?? 'qemu:///system', run),
    collectTools(),
    collectAppArmor(options.poolDir),
    collectOffer(options.offer ?? {}),
    collectPool(options.poolDir, kvm.qemuAccount),
    collectRoutes(),
    masterUrl !== undefined && trust !== null ? askMaster(masterUrl, caPem, clock) : null,
    collectMirror({ poolDir: options.poolDir, isEnrolled: masterUrl !== undefined, ...(options.peers ?? { peerPort: 0 }) }, kvm.qemuAccount, run),
    collectSecrets(options.stateDir, options.secretFiles ?? []),
  ]);
  return {
    kvm,
    libvirt,
    tools,
    appArmor,
    offer,
    pool,
    network: { network: options.network ?? null, routes },
    master: { url: masterUrl ?? null, trust, answer, lastContactAt: options.lastContactAt ?? null, now: clock.now() },
    mirror,
    secrets,
    ownUid: process.getuid?.() ?? 0,
  };
}

async function collectSecrets(stateDir: string, files: readonly string[]): Promise<readonly SecretFile[]> {
  const looked = await Promise.all(files.map((file) => resolve(stateDir, file)).map((path) => stat(path).then(({ uid, mode }) => ({ path, uid, mode }), () => null)));
  return looked.filter((file) => file !== null);
}

/** Looks, judges, prints; answers the exit status. */
export async function runDoctor(options: DoctorOptions, output: { readonly json: boolean; readonly write: (text: string) => void }, deps: DoctorDeps = {}): Promise<0 | 1> {
  const findings = diagnose(await collectFacts(options, deps));
  output.write(output.json ? reportJson(findings) : reportText(findings));
  return exitStatus(findings);
}

/**
 * `paravcl-slave doctor [--json]`, to be added to the program. `readOptions` is called when the command
 * runs, because a faulty configuration must not keep the other commands from being listed.
 */
export function doctorCommand(readOptions: () => DoctorOptions | Promise<DoctorOptions>): Command {
  return new Command('doctor')
    .description('look at everything that guests need on this host, and name the command that mends what is wrong')
    .option('--json', 'print the findings as one JSON object', false)
    .action(async ({ json }: { json: boolean }) => {
      process.exitCode = await runDoctor(await readOptions(), { json, write: (text) => process.stdout.write(text) });
    });
}
