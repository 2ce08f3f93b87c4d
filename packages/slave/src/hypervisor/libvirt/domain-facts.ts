import { type DomainState, HypervisorError } from '../driver';
import { type InstanceMark, readMark } from './instance-mark';
import { parseFields, parseState } from './virsh-reports';
import { child, childrenNamed, readXml } from './xml';

/** What libvirt says of one domain. */
export interface DomainFacts {
  readonly uuid: string;
  readonly name: string;
  readonly state: DomainState;
  /** libvirt's own words for the state, with its reason: "paused (I/O error)". */
  readonly stateWords: string;
  /** libvirt keeps a managed save of it. */
  readonly hasSave: boolean;
  /** It was given RAM that it did not save here (`ArrivedRam`), and has not run since. */
  readonly hasArrivedRam: boolean;
  /**
   * It is active and has a managed save all the same: what a libvirtd that was killed in mid-save left half written
   * (seen with libvirt 9.0; decision 0008). `unless-saving`: it is paused, and a guest that was paused before its save
   * began looks the same while it is saved; only its jobs tell.
   */
  readonly staleSave: 'no' | 'yes' | 'unless-saving';
  readonly mark: InstanceMark | null;
  readonly ramMiB: number;
  /** MAC of its first interface. */
  readonly mac: string | null;
  /** libvirt networks its interfaces are on. */
  readonly networks: readonly string[];
}

/** The virsh commands that `readFacts` reads. `--inactive`: after a restore only the definition has the newest mark. */
export function factsCommands(uuid: string): readonly (readonly string[])[] {
  return [
    ['dominfo', '--domain', uuid],
    ['domstate', '--domain', uuid, '--reason'],
    ['dumpxml', '--domain', uuid, '--inactive'],
  ];
}

/** Null when the domain is not there, or went away between two of the commands. `arrived`: domains that were given RAM. */
export function readFacts(sections: readonly string[], arrived: ReadonlySet<string>): DomainFacts | null {
  const [info = '', state = '', xml = ''] = sections;
  if (info === '' || state === '' || xml === '') return null;
  const fields = parseFields(info);
  const domain = readXml(xml);
  const hasSave = fields['Managed save'] === 'yes';
  const name = child(domain, 'name')?.text ?? fields['Name'] ?? '';
  const hasArrivedRam = arrived.has(name);
  const interfaces = childrenNamed(child(domain, 'devices'), 'interface');
  return {
    uuid: child(domain, 'uuid')?.text ?? fields['UUID'] ?? '',
    name,
    state: parseState(state, hasSave || hasArrivedRam),
    stateWords: state,
    hasSave,
    hasArrivedRam,
    staleSave: !hasSave ? 'no' : staleSaveOf(parseState(state, hasSave)),
    mark: readMark(domain),
    // libvirt prints it in KiB, whatever it was defined in.
    ramMiB: Math.ceil(Number(child(domain, 'memory')?.text ?? 0) / 1024),
    mac: child(interfaces[0], 'mac')?.attributes['address'] ?? null,
    networks: interfaces.map((each) => child(each, 'source')?.attributes['network']).filter((each) => each !== undefined),
  };
}

/** It has a QEMU. */
export function isActive({ state }: DomainFacts): boolean {
  return state === 'running' || state === 'paused' || state === 'migrating' || state === 'paused-io' || state === 'shutting-down';
}

/** What to throw of a domain that is in a state to which a call does not apply. */
export function wrongState({ name, stateWords }: DomainFacts, wayOut: string): HypervisorError {
  return new HypervisorError('wrong-state', `domain "${name}" is ${stateWords}; ${wayOut}`);
}

function staleSaveOf(state: DomainState): DomainFacts['staleSave'] {
  // While a save is made its domain is paused.
  if (state === 'running') return 'yes';
  return state === 'paused' || state === 'paused-io' ? 'unless-saving' : 'no';
}
