import type { NoticeKind } from '@paravcl/shared/domain/notice';
import type { InstanceRecord } from './instance-record';
import type { Verdict } from './judge-report';

/** What the owner of an instance is told when its slave found or made an end of it that the books had otherwise; null: nothing. */
export function unaskedEnd(slaveName: string, { name, desired }: Pick<InstanceRecord, 'name' | 'desired'>, { accept, reason }: Extract<Verdict, { kind: 'observe' }>): { readonly kind: NoticeKind; readonly sentence: string } | null {
  if (accept === null || reason === null) return null;
  if (reason.code === 'TimeEnded') return { kind: 'instance.time-ended', sentence: `${slaveName} ended the time of ${name} by itself. ${reason.sentence}` };
  // Whoever wanted it saved counted on what was open.
  return desired === 'suspended' && accept === 'stopped' ? { kind: 'instance.went-off', sentence: `${name} was to be saved on ${slaveName} and is off, without what was open. ${reason.sentence}` } : null;
}
