import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';

/** The names a certificate vouches for, sorted and each once. */
export interface CertificateNames {
  readonly dns: readonly string[];
  readonly ip: readonly string[];
}

/** `localhost`, this machine's name and addresses, and the extra names and addresses given. */
export function certificateNames(extra: readonly string[]): CertificateNames {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
  // Link-local addresses only mean something together with an interface: nobody can dial them by name.
  const all = ['localhost', '127.0.0.1', '::1', hostname(), ...own.filter((address) => !/^fe80:|^169\.254\./i.test(address)), ...extra];
  const bare = all.map((name) => name.replace(/^\[|\]$/g, '').toLowerCase());
  const unique = [...new Set(bare)].sort();
  return {
    dns: unique.filter((name) => isIP(name) === 0 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name)),
    ip: unique.filter((name) => isIP(name) !== 0),
  };
}
