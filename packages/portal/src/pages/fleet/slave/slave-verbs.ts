import type { Role } from '@paravcl/shared/domain/people';
import type { Slave } from '@paravcl/shared/domain/slave';

export type SlaveVerb = 'approve' | 'undrain' | 'drain' | 'evacuate' | 'edit' | 'retire' | 'declareDead' | 'remove';

/** What is offered for a slave as it stands. What one may is decided by the master. */
export function slaveVerbs({ admission, liveness, evacuation }: Pick<Slave, 'admission' | 'liveness' | 'evacuation'>, role: Role): readonly SlaveVerb[] {
  if (admission === 'retired' || (role !== 'operator' && role !== 'admin')) return [];
  const verbs: SlaveVerb[] = [];
  if (admission === 'pending' || admission === 'quarantined') verbs.push('approve');
  if (admission === 'draining') verbs.push('undrain');
  if (admission === 'approved') verbs.push('drain');
  if ((admission === 'approved' || admission === 'draining') && evacuation === null && liveness !== 'lost') verbs.push('evacuate');
  verbs.push('edit', 'retire');
  if (liveness === 'lost' && role === 'admin') verbs.push('declareDead');
  verbs.push('remove');
  return verbs;
}
