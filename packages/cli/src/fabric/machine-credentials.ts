import type { Context } from '../context';
import { wrongUsage } from '../errors/refusal';
import { credentialOf, type CredentialOptions, type HostCredential } from '../hosts/credential';
import { parseHostAddress, writeHostAddress, type HostAddress } from './read-pm-file';

export interface MachineCredentialOptions extends CredentialOptions {
  /** `lab-pc-08=FILE`: a key of that machine alone. */
  readonly keyFor?: readonly string[];
}

const placeOf = ({ host, port }: HostAddress): string => writeHostAddress({ user: null, host: host.toLowerCase().replace(/\.$/, ''), port });

/**
 * What opens each machine: its own key where `--key-for` names one, else what opens all the others, which is asked for only where there are
 * others. Throws Refusal, also for a key of a machine that is not in the file.
 */
export async function machineCredentials(context: Context, machines: readonly HostAddress[], options: MachineCredentialOptions, who: string): Promise<(machine: HostAddress) => HostCredential> {
  const own = new Map<string, HostCredential>();
  for (const said of options.keyFor ?? []) {
    const [, written = '', file = ''] = /^([^=]+)=(.+)$/.exec(said) ?? [];
    const address = parseHostAddress(written);
    if (typeof address === 'string') throw wrongUsage(`--key-for takes MACHINE=FILE, such as lab-pc-08=other_key, not "${said}".`);
    const place = placeOf(address);
    if (!machines.some((machine) => placeOf(machine) === place)) throw wrongUsage(`--key-for names ${place}, which is not in the file of machines.`);
    if (own.has(place)) throw wrongUsage(`--key-for names ${place} twice.`);
    own.set(place, await credentialOf(context, { key: file }, place));
  }
  const everyOwn = machines.every((machine) => own.has(placeOf(machine)));
  const common = everyOwn && options.key === undefined && options.passwordFile === undefined ? null : await credentialOf(context, options, who);
  return (machine) => {
    const credential = own.get(placeOf(machine)) ?? common;
    if (credential === null) throw new Error(`Nothing opens ${placeOf(machine)}.`);
    return credential;
  };
}
