import type { HostFinding } from '@paravcl/shared/domain/host-install';
import type { SlaveKind } from '@paravcl/shared/domain/slave';
import { shellWord } from '@paravcl/shared/shell-quote';

/** Whose machine a host is: a volunteer's owner, or nobody (of the lab). */
export interface Belonging {
  readonly kind: SlaveKind;
  readonly owner: { readonly userId: string; readonly userName: string } | null;
}

/**
 * Kind and owner are given with the join token: to install a host that is enrolled already changes neither. Told where something else was asked
 * for, with the command that changes it. It names the owner by id, by which also those find people who may not see who there is.
 */
export function judgeBelonging(slave: Belonging & { readonly name: string }, asked: Belonging): readonly HostFinding[] {
  if (slave.kind === asked.kind && slave.owner?.userId === asked.owner?.userId) return [];
  const to = asked.owner === null ? '' : ` --owner ${shellWord(asked.owner.userId)}`;
  return [{
    check: 'owner', level: 'warning',
    sentence: `${slave.name} is in the pool already as ${told(slave)}, and stays that: ${told(asked)} was asked for, which counts only for a host that has yet to enrol.`,
    remedy: `To change it: paravcl slaves edit ${shellWord(slave.name)} --kind ${asked.kind}${to}; administrators also on its page in the portal.`,
  }];
}

function told({ kind, owner }: Belonging): string {
  if (kind === 'dedicated') return 'a host of the lab';
  return owner === null ? 'a volunteer' : `a volunteer of ${owner.userName}`;
}
