import type { SlaveItem } from '../../names/kinds';
import { line } from '../../output/advice';
import { levelCell } from '../../output/states';
import type { Cell } from '../../output/table';

/** A host somebody has to look at. */
export function needsAttention({ admission, liveness, warnings }: SlaveItem): boolean {
  return admission === 'pending' || admission === 'quarantined' || (admission !== 'retired' && liveness !== 'online') || warnings.length > 0;
}

/** How a host stands, in a word. */
export function standing({ admission, liveness, warnings }: SlaveItem, unicode: boolean): Cell {
  if (admission === 'retired') return levelCell('quiet', 'retired', unicode);
  if (admission === 'quarantined') return levelCell('bad', 'quarantined', unicode);
  if (admission === 'pending') return levelCell('waits', 'waits for approval', unicode);
  if (liveness !== 'online') return levelCell(liveness === 'lost' ? 'bad' : 'waits', liveness === 'lost' ? 'out of reach' : 'silent', unicode);
  if (admission === 'draining') return levelCell('waits', 'draining', unicode);
  return warnings.length > 0 ? levelCell('waits', 'needs a look', unicode) : levelCell('good', 'online', unicode);
}

/** What one does next with it; null when nothing. Why one is quarantined has to be read before anything is done about it. */
export function nextForSlave({ id, name, admission, evacuation }: Pick<SlaveItem, 'id' | 'name' | 'admission' | 'evacuation'>): string | null {
  if (admission === 'pending') return line`paravcl slaves approve ${{ id, name }}`;
  if (admission === 'quarantined') return line`paravcl slaves show ${{ id, name }}`;
  if (admission === 'draining') return evacuation === null ? line`paravcl slaves undrain ${{ id, name }}` : null;
  return null;
}

/** The same for who has just read about it. Approved alone, one that still shows another identity is quarantined again. */
export function nextForReader(slave: Pick<SlaveItem, 'id' | 'name' | 'admission' | 'evacuation'>): string | null {
  if (slave.admission !== 'quarantined') return nextForSlave(slave);
  return line`paravcl slaves approve ${slave} --accept-identity, when you know why it changed; paravcl slaves retire ${slave} otherwise`;
}
