import type { HostFinding } from '@paravcl/shared/domain/host-install';
import { shellWord } from '@paravcl/shared/shell-quote';
import { hostWords } from './host-words';

/** What a host says of itself: the lines `name=value` of `paravcl-install.sh facts`. Absent: it did not say. */
export type HostFacts = ReadonlyMap<string, string>;

/** What the master knows beside it. */
export interface PreflightKnowledge {
  /** As the host is called in sentences. */
  readonly address: string;
  /** The master's clock when the facts came in, and how long asking took. */
  readonly nowMs: number;
  readonly roundTripMs: number;
  /** As `uname -m` says it, of the Node that is brought along. */
  readonly arch: string;
  readonly packageMiB: number;
  /** How agents reach this site. */
  readonly masterUrl: string;
  readonly start: 'systemd' | 'unsupervised';
  /** Hosts of the books that may be this one, not retired. */
  readonly slaves: readonly { readonly id: string; readonly name: string; readonly machineId: string; readonly address: string | null }[];
  /** The one of them whose agent's key it has shown; null: none. */
  readonly provenAs: string | null;
  /** The retired host of the books that it says it is, by id and machine id; null: none. */
  readonly leftAs: { readonly name: string } | null;
}

export interface Preflight {
  readonly findings: readonly HostFinding[];
  /** The host of the books that this machine is enrolled as; null: it has to enrol. */
  readonly enrolledAs: string | null;
  /** The address of this master from before, by which its agent still dials; null: it has the one of now, or none. */
  readonly movesFrom: string | null;
}

/** Node of the package needs it (its release notes name 2.28). */
const oldestGlibc = [2, 28] as const;
/** Of a derivative of Debian: Debian 12 has it, with the libvirt and QEMU that are needed. */
const derivativeGlibc = 2.36;
/** For a pool nothing fits into less. */
const leastPoolMiB = 4 * 1024;
const fewPoolMiB = 20 * 1024;
const mirrorPort = '7443';
const mostClockSeconds = 60;
const fewClockSeconds = 5;

/** Of one host: more than it has to say, and no more than anybody wants to keep. */
const mostFacts = 100;
const longestFact = 300;

/** Lines `name=value`; what is no such line is none of it. Of two with one name the last counts. Values are fit for sentences. */
export function readFacts(text: string): HostFacts {
  const facts = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value = ''] = /^([a-z][a-z0-9_]{0,39})=(.*)$/s.exec(line) ?? [];
    if (name !== undefined && (facts.has(name) || facts.size < mostFacts)) facts.set(name, hostWords(value, longestFact));
  }
  return facts;
}

/** Judges whether the agent can be put there, before anything on the host is changed: what is fine, what is told, what has to be mended first. */
export function judgeHost(facts: HostFacts, known: PreflightKnowledge): Preflight {
  const enrolment = judgeEnrolment(facts, known);
  const findings = [
    judgeDistribution(facts, known),
    judgeArch(facts, known),
    judgeGlibc(facts, known),
    ...judgeVirtualisation(facts, known),
    ...judgeDisk(facts, known),
    judgeClock(facts, known),
    judgePort(facts, known),
    judgeSystemd(facts, known),
    judgeApt(facts, known),
    ...judgeFileSystem(facts, known),
    judgeAgent(facts, known),
    enrolment.finding,
  ];
  return { findings: findings.filter((finding) => finding !== null), enrolledAs: enrolment.slaveId, movesFrom: enrolment.movesFrom ?? null };
}

/** Faults only, in the order in which they were found. */
export const faultsOf = (findings: readonly HostFinding[]): readonly HostFinding[] => findings.filter(({ level }) => level === 'fault');

const fine = (check: string, sentence: string): HostFinding => ({ check, level: 'fine', sentence, remedy: null });
const warning = (check: string, sentence: string, remedy: string | null): HostFinding => ({ check, level: 'warning', sentence, remedy });
const fault = (check: string, sentence: string, remedy: string): HostFinding => ({ check, level: 'fault', sentence, remedy });

function judgeDistribution(facts: HostFacts, { address }: PreflightKnowledge): HostFinding {
  const id = facts.get('os_id') ?? '';
  const version = facts.get('os_version') ?? '';
  const name = facts.get('os_name') ?? [id, version].filter((part) => part !== '').join(' ');
  const oldest = { debian: 12, ubuntu: 24.04 }[id];
  const remedy = 'Hosts run Debian 12 or newer, or Ubuntu 24.04 or newer: install one of these there.';
  if (name === '') return fault('distribution', `${address} does not say which distribution it runs (/etc/os-release).`, remedy);
  const isLikeDebian = facts.get('apt') !== 'absent' && Number.parseFloat(facts.get('glibc') ?? '0') >= derivativeGlibc;
  if (oldest === undefined && isLikeDebian) return warning('distribution', `${address} runs ${name}, which nobody has tried: its packages are taken for those of Debian.`, null);
  if (oldest === undefined) return fault('distribution', `${address} runs ${name}, for which there are no packages here.`, remedy);
  // Debian testing and unstable name no version: they are newer than any that has one.
  if (version !== '' && !(Number.parseFloat(version) >= oldest)) return fault('distribution', `${address} runs ${name}, which is too old.`, remedy);
  return fine('distribution', `It runs ${name}.`);
}

function judgeArch(facts: HostFacts, { address, arch }: PreflightKnowledge): HostFinding {
  const theirs = facts.get('arch') ?? 'an unknown processor';
  if (theirs === arch) return fine('architecture', `Its processor is ${arch}.`);
  return fault('architecture', `${address} has ${theirs}, and this master brings Node for ${arch}.`, `Install that host by hand with a Node for ${theirs}, or from a master on ${theirs}.`);
}

function judgeGlibc(facts: HostFacts, { address }: PreflightKnowledge): HostFinding {
  const version = facts.get('glibc') ?? '';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const wanted = oldestGlibc.join('.');
  if (version === '') return warning('glibc', `${address} does not say which glibc it has; ${wanted} is needed.`, null);
  if (major > oldestGlibc[0] || (major === oldestGlibc[0] && minor >= oldestGlibc[1])) return fine('glibc', `It has glibc ${version}.`);
  return fault('glibc', `${address} has glibc ${version}; the agent's Node needs ${wanted}.`, 'Bring the distribution up to date.');
}

function judgeVirtualisation(facts: HostFacts, { address }: PreflightKnowledge): HostFinding[] {
  const extension = facts.get('virtualisation') ?? 'none';
  const hasDevice = facts.get('kvm') === 'present';
  if (hasDevice) return [fine('virtualisation', 'It has /dev/kvm.')];
  if (extension === 'none' || extension === '') {
    return [warning('virtualisation', `${address} offers no virtualisation (no vmx, no svm): guests are emulated there, which is slow.`, 'Switch on Intel VT-x or AMD-V in its firmware; a virtual machine needs nested virtualisation from its host.')];
  }
  return [warning('virtualisation', `${address} has ${extension} and no /dev/kvm: guests are emulated there until it is loaded.`, `Load the module: modprobe ${extension === 'svm' ? 'kvm_amd' : 'kvm_intel'}. Where that fails, its firmware has virtualisation switched off.`)];
}

function judgeDisk(facts: HostFacts, { address, packageMiB }: PreflightKnowledge): HostFinding[] {
  // Unpacked beside the release before it, while the uploaded one is still there.
  const needed = packageMiB * 2 + 64;
  const found: HostFinding[] = [];
  for (const [name, directory] of [['opt_free_mib', '/opt'], ['tmp_free_mib', '/var/tmp']] as const) {
    const free = mib(facts, name);
    if (free !== null && free < needed) found.push(fault('disk', `${address} has ${free} MiB free in ${directory}; the agent needs ${needed} MiB there.`, `Make room in ${directory}.`));
  }
  const pool = mib(facts, 'pool_free_mib');
  const poolDirectory = facts.get('pool_directory') ?? '/var/lib/paravcl-slave/pool';
  if (pool !== null && pool < leastPoolMiB) {
    return [...found, fault('disk', `${address} has ${pool} MiB free for the disks of guests (${poolDirectory}); less than ${leastPoolMiB} MiB is of no use.`, `Make room there, or mount a larger disk at ${poolDirectory}.`)];
  }
  if (pool !== null && pool < fewPoolMiB) return [...found, warning('disk', `${address} has ${gib(pool)} free for the disks of guests: room for a few only.`, `Mount a larger disk at ${poolDirectory} when it gets tight.`)];
  if (found.length > 0) return found;
  return [pool === null ? warning('disk', `${address} does not say how much room it has.`, null) : fine('disk', `It has ${gib(pool)} free for the disks of guests.`)];
}

function judgeClock(facts: HostFacts, { address, nowMs, roundTripMs }: PreflightKnowledge): HostFinding {
  const told = Number(facts.get('now') ?? Number.NaN);
  if (!Number.isFinite(told)) return warning('clock', `${address} does not say what time it has.`, null);
  // Whole seconds, read at some moment of the asking: that much is nobody's fault.
  const off = told - nowMs / 1000;
  const least = Math.max(0, Math.abs(off) - 1 - roundTripMs / 1000);
  const sentence = `The clock of ${address} is ${seconds(Math.abs(off))} ${off > 0 ? 'ahead of' : 'behind'} the master's.`;
  const remedy = 'Have both keep time by NTP (timedatectl set-ntp true, or chrony), and begin again.';
  if (least > mostClockSeconds) return fault('clock', `${sentence} Certificates are not believed with that, and no end of a reservation is kept.`, remedy);
  if (least > fewClockSeconds) return warning('clock', sentence, remedy);
  return fine('clock', 'Its clock agrees with the master’s.');
}

function judgePort(facts: HostFacts, { address }: PreflightKnowledge): HostFinding | null {
  const holder = facts.get(`port_${mirrorPort}`);
  if (holder === undefined) return null;
  if (holder === 'free') return fine('ports', `Port ${mirrorPort} is free for its mirror.`);
  const pid = facts.get(`port_${mirrorPort}_pid`) ?? '';
  const program = facts.get(`port_${mirrorPort}_program`) || 'a program';
  const who = pid === '' ? 'another program' : `${program} (process ${pid})`;
  return warning('ports', `Port ${mirrorPort} of ${address}, where its mirror listens for other hosts, is taken by ${who}.`, `Stop ${pid === '' ? 'that program (ss -ltnp shows it)' : 'it'}, or set mirror.peerPort in /etc/paravcl-slave/slave.yaml there; until then other hosts do not get images from it.`);
}

function judgeSystemd(facts: HostFacts, { address, start }: PreflightKnowledge): HostFinding {
  const runs = facts.get('systemd') === 'running';
  if (runs) return fine('systemd', 'systemd runs there and starts the agent after each boot.');
  if (start === 'unsupervised') return warning('systemd', `No systemd runs on ${address}: nobody starts the agent again when it ends or the host boots.`, 'Start it by a supervisor of your own: /usr/local/bin/paravcl-slave run.');
  return fault('systemd', `No systemd runs on ${address}, which would start and supervise the agent.`, 'Boot it with systemd; or ask for an unsupervised start ("start": "unsupervised", --start unsupervised).');
}

function judgeApt(facts: HostFacts, { address }: PreflightKnowledge): HostFinding | null {
  const apt = facts.get('apt');
  if (apt === 'absent') return fault('apt', `${address} has no apt-get, with which libvirt and QEMU are installed.`, 'Hosts run Debian or Ubuntu with their package manager.');
  if (apt === 'locked') return warning('apt', `Another program is installing packages on ${address} at this moment.`, 'It is waited for; should that take too long, see which it is: fuser -v /var/lib/dpkg/lock-frontend.');
  return apt === undefined ? null : fine('apt', 'Packages can be installed.');
}

function judgeFileSystem(facts: HostFacts, { address }: PreflightKnowledge): HostFinding[] {
  const readOnly = (facts.get('read_only') ?? '').split(',').filter((directory) => directory !== '');
  return readOnly.length === 0 ? [] : [fault('file-system', `${address} has ${readOnly.join(', ')} mounted read-only.`, `Remount it (mount -o remount,rw ${readOnly[0] ?? '/'}); a disk that fails is often mounted so: see dmesg there.`)];
}

function judgeAgent(facts: HostFacts, { address }: PreflightKnowledge): HostFinding {
  const release = facts.get('installed_release') ?? '';
  if (release === '') return fine('agent', 'There is no agent yet.');
  if ((facts.get('enrolled_slave') ?? '') === '') return fine('agent', `An installation was begun on ${address} and not ended (release ${release}); this one goes on with it.`);
  return fine('agent', `The agent is there (release ${release}) and is brought up to date where it is not.`);
}

/** A host belongs to one master. This one's is known again, by its key also where it has an address of before, and enrols anew once it is retired; another master's is left alone. */
function judgeEnrolment(facts: HostFacts, known: PreflightKnowledge): { readonly finding: HostFinding; readonly slaveId: string | null; readonly movesFrom?: string } {
  const { address, masterUrl, slaves, provenAs, leftAs } = known;
  const url = facts.get('enrolled_master') ?? '';
  const slaveId = facts.get('enrolled_slave') ?? '';
  const machine = slaves.find(({ machineId }) => machineId === facts.get('machine_id'));
  const isHere = url !== '' && originOf(url) === originOf(masterUrl);
  if (url === '' && machine === undefined) return { finding: fine('enrolment', 'It is enrolled nowhere.'), slaveId: null };
  if (machine !== undefined && (url === '' || ((isHere || leftAs !== null) && !slaves.some(({ id }) => id === slaveId)))) {
    return {
      finding: fault('enrolment', `The machine id of ${address} is that of ${machine.name}, and ${url === '' ? 'nothing on it says that it is enrolled' : `it says that it is enrolled as another host (${slaveId})`}.`, `If this is that machine, or ${machine.name} is what an earlier try left, retire ${machine.name} first (in the portal, or paravcl slaves retire ${shellWord(machine.name)}), then begin again. If it was cloned from it, give it a machine id of its own (rm /etc/machine-id; systemd-machine-id-setup) and begin again.`),
      slaveId: null,
    };
  }
  const here = slaves.find(({ id }) => id === slaveId);
  if (!isHere && here !== undefined && here.id === provenAs) {
    return {
      finding: warning('enrolment', `${address} is enrolled here as ${here.name}, by the address the master had before (${url}); it goes on by ${masterUrl}.`, null),
      slaveId: here.id, movesFrom: url,
    };
  }
  if (!isHere && here !== undefined) {
    return {
      finding: fault('enrolment', `${address} says that it is enrolled here as ${here.name}, and dials another address than ${masterUrl}: ${url}.`, `If this master had the address ${url} before, retire ${here.name} (in the portal, or paravcl slaves retire ${shellWord(here.name)}) and begin again: it enrols anew then. If another master is there, take it out of the pool there first (paravcl slaves remove, with that master).`),
      slaveId: null,
    };
  }
  if (!isHere && leftAs !== null) return { finding: warning('enrolment', `${address} was enrolled here as ${leftAs.name}, by another address (${url}), and left the pool since; it enrols anew.`, null), slaveId: null };
  if (!isHere) {
    return {
      finding: fault('enrolment', `${address} is enrolled at another master, ${url}.`, 'Take it out of the pool there first (paravcl slaves remove, with that master), then begin again.'),
      slaveId: null,
    };
  }
  if (here === undefined) return { finding: fine('enrolment', 'It was enrolled here and left the pool since; it enrols anew.'), slaveId: null };
  return { finding: fine('enrolment', `It is enrolled here as ${here.name} already.`), slaveId: here.id };
}

/** Scheme, host and port, as the agent writes them down. */
const originOf = (url: string): string => url.toLowerCase().replace(/^([a-z]+:\/\/[^/]+).*$/, '$1').replace(/:443$/, '');

function mib(facts: HostFacts, name: string): number | null {
  const value = Number(facts.get(name) ?? Number.NaN);
  return Number.isFinite(value) ? Math.floor(value) : null;
}

const gib = (mebibytes: number): string => `${(mebibytes / 1024).toFixed(mebibytes < 10_240 ? 1 : 0)} GiB`;

function seconds(count: number): string {
  const whole = Math.round(count);
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.round(whole / 60)} minutes`;
  return whole < 172_800 ? `${Math.round(whole / 3600)} hours` : `${Math.round(whole / 86_400)} days`;
}
