import type { Slave } from '@paravcl/shared/domain/slave';

/** How a slave stands, in the order of its need of attention. */
export const standings = ['quarantined', 'pending', 'lost', 'trouble', 'suspect', 'draining', 'online', 'retired'] as const;
export type Standing = (typeof standings)[number];

type Seen = Pick<Slave, 'admission' | 'liveness' | 'warnings'> & { readonly describe: Pick<Slave['describe'], 'hypervisor'> };

/** What a slave is judged by; `troubled`: it warns of something, or its hypervisor does not work. */
export type Judged = Pick<Slave, 'admission' | 'liveness'> & { readonly troubled: boolean };

/** The one word for a slave: what keeps it out of the pool first, then whether it is heard of, then what is to be mended there. */
export function standingBy({ admission, liveness, troubled }: Judged): Standing {
  if (admission === 'retired' || admission === 'quarantined' || admission === 'pending') return admission;
  if (liveness === 'lost') return 'lost';
  if (troubled) return 'trouble';
  if (liveness === 'suspect') return 'suspect';
  return admission === 'draining' ? 'draining' : 'online';
}

/** The same for a slave with all that is known of it. */
export const standingOf = ({ admission, liveness, warnings, describe }: Seen): Standing => standingBy({ admission, liveness, troubled: warnings.length > 0 || !describe.hypervisor.usable });

/** Who needs attention most comes first, then by name, so that nothing moves but what changed. */
export function slavesInOrder<S extends Seen & Pick<Slave, 'id' | 'name'>>(slaves: readonly S[], language: string): readonly S[] {
  const need = (slave: S): number => standings.indexOf(standingOf(slave));
  return [...slaves].sort((a, b) => need(a) - need(b) || a.name.localeCompare(b.name, language, { numeric: true }) || a.id.localeCompare(b.id));
}

/** Those of this standing in whose name, host name or addresses the text stands. */
export function slavesLike<S extends Seen & Pick<Slave, 'name' | 'address' | 'macs'> & { readonly describe: Pick<Slave['describe'], 'hostname'> }>(slaves: readonly S[], text: string, standing: Standing | null): readonly S[] {
  const sought = text.trim().toLowerCase();
  return slaves.filter((slave) => (standing === null || standingOf(slave) === standing) && [slave.name, slave.describe.hostname, slave.address ?? '', ...slave.macs].some((each) => each.toLowerCase().includes(sought)));
}

/** How full, in whole percent from 0 to 100; 0 of nothing. */
export const percentOf = (part: number, whole: number): number => (whole <= 0 ? 0 : Math.min(100, Math.max(0, Math.round((100 * part) / whole))));

/** How full the directory of images and disks is. */
export const poolPercent = ({ poolTotalMiB, poolAvailableMiB }: Pick<Slave['describe'], 'poolTotalMiB' | 'poolAvailableMiB'>): number => percentOf(poolTotalMiB - poolAvailableMiB, poolTotalMiB);
