import type { MonitoredSlave } from '@paravcl/shared/api/monitoring';
import { standings, type Standing } from '../fleet/standing';

type Seen = Pick<MonitoredSlave, 'admission' | 'liveness' | 'takesGuests'>;

/** The one word for a slave, as on the page of hosts: what keeps it out first, then its silence, then what is to be mended. */
export function standingOf({ admission, liveness, takesGuests }: Seen): Standing {
  if (admission === 'retired' || admission === 'quarantined' || admission === 'pending') return admission;
  if (liveness !== 'online') return liveness;
  if (admission === 'draining') return 'draining';
  return takesGuests ? 'online' : 'trouble';
}

/** How many things that were promised there are not kept. */
export const unkept = ({ violations: { atRisk, late, lost } }: Pick<MonitoredSlave, 'violations'>): number => atRisk + late + lost;

/** Who needs attention first: what keeps it from its work, then promises that are not kept, then by name, so that nothing moves but what changed. */
export function inNeedOrder<S extends Seen & Pick<MonitoredSlave, 'id' | 'name' | 'violations'>>(slaves: readonly S[], language: string): readonly S[] {
  const need = (slave: S): number => standings.indexOf(standingOf(slave));
  return [...slaves].sort((a, b) => need(a) - need(b) || Math.sign(unkept(b)) - Math.sign(unkept(a)) || a.name.localeCompare(b.name, language, { numeric: true }) || a.id.localeCompare(b.id));
}
