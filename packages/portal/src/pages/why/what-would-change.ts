import type { Decision } from '@paravcl/shared/domain/decision';
import { partsOf } from './parts-of-priority';

/** Something by which it would have gone otherwise; `by`: what it adds to the priority. */
export interface Change {
  readonly what: 'fewerCores' | 'lessRam' | 'lessDisk' | 'otherTime' | 'beforeNext' | 'slaveBack' | 'image' | 'ras' | 'mon' | 'halfRam' | 'halfTime';
  readonly by: number | null;
}

const byReason: Readonly<Partial<Record<Decision['candidates']['reasons'][number]['reason'], Change['what']>>> = {
  NotEnoughCores: 'fewerCores',
  NoSlaveFits: 'fewerCores',
  NotEnoughRam: 'lessRam',
  NotEnoughDisk: 'lessDisk',
  KeptForReservation: 'otherTime',
  KeptForNext: 'beforeNext',
  SlaveOffline: 'slaveBack',
  SlaveTroubled: 'slaveBack',
  SlaveDraining: 'slaveBack',
  ImageMissing: 'image',
};

/** Decisions that somebody would have wanted otherwise. */
const unwelcome: readonly Decision['kind'][] = ['queue', 'preempt', 'refuse', 'move'];

/** What would have changed a decision: less of what was lacking, then what raises the priority, by how much. Nothing for what was granted. */
export function changesOf({ kind, candidates, priority }: Pick<Decision, 'kind' | 'candidates' | 'priority'>): readonly Change[] {
  if (!unwelcome.includes(kind)) return [];
  const lacking = candidates.reasons.flatMap(({ reason }) => byReason[reason] ?? []);
  const changes: Change[] = [...new Set(lacking)].map((what) => ({ what, by: null }));
  if (priority === null) return changes;
  const { weight } = partsOf(priority);
  if (priority.ras === 0) changes.push({ what: 'ras', by: weight });
  if (priority.mon === 0) changes.push({ what: 'mon', by: weight });
  if (priority.log2R > 1) changes.push({ what: 'halfRam', by: weight });
  if (priority.lnE > Math.LN2) changes.push({ what: 'halfTime', by: weight * Math.LN2 });
  return changes;
}
