import type { MonitoredSlave } from '@paravcl/shared/api/monitoring';
import { standingBy, standings, type Judged } from '../fleet/standing';

/** How many things that were promised there are not kept. */
export const unkept = ({ violations: { atRisk, late, lost, short } }: Pick<MonitoredSlave, 'violations'>): number => atRisk + late + lost + short;

/** Who needs attention first: what keeps it from its work, then promises that are not kept, then by name, so that nothing moves but what changed. */
export function inNeedOrder<S extends Judged & Pick<MonitoredSlave, 'id' | 'name' | 'violations'>>(slaves: readonly S[], language: string): readonly S[] {
  const need = (slave: S): number => standings.indexOf(standingBy(slave));
  return [...slaves].sort((a, b) => need(a) - need(b) || Math.sign(unkept(b)) - Math.sign(unkept(a)) || a.name.localeCompare(b.name, language, { numeric: true }) || a.id.localeCompare(b.id));
}
