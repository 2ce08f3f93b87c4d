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
 * for, with the command that changes it; not for a host of the lab, which is also what is asked for by who says nothing, as to bring a volunteer
 * up to date. It names the owner by id, by which also those find people who may not see who there is.
 */
export function judgeBelonging(slave: Belonging & { readonly name: string }, asked: Belonging): readonly HostFinding[] {
  if (asked.owner === null || slave.owner?.userId === asked.owner.userId) return [];
  return [{
    check: 'owner', level: 'warning',
    sentence: `${slave.name} is in the pool already as ${told(slave)}, and stays that: ${told(asked)} was asked for, which counts only for a host that has yet to enrol.`,
    remedy: `To change it: paravcl slaves edit ${shellWord(slave.name)} --kind ${asked.kind} --owner ${shellWord(asked.owner.userId)}; administrators also on its page in the portal.`,
  }];
}

function told({ kind, owner }: Belonging): string {
  if (kind === 'dedicated') return 'a host of the lab';
  return owner === null ? 'a volunteer' : `a volunteer of ${owner.userName}`;
}
