import type { Notice, NoticeKind } from '@paravcl/shared/domain/notice';

export type NoticeLook = 'success' | 'info' | 'warning' | 'danger';

/** How urgent each kind is: `danger` lost something, `warning` wants an answer or a look, `success` gave something. */
const looks: Readonly<Record<NoticeKind, NoticeLook>> = {
  'instance.deployed': 'success',
  'instance.preempted': 'warning',
  'instance.resumed': 'success',
  'instance.moving': 'info',
  'instance.stayed': 'info',
  'instance.went-off': 'warning',
  'instance.short-of-processor': 'warning',
  'instance.time-ended': 'info',
  'instance.aging': 'warning',
  'instance.recycled': 'warning',
  'instance.deleted': 'danger',
  'reservation.confirmed': 'success',
  'reservation.moved': 'warning',
  'reservation.changed': 'info',
  'reservation.begun': 'success',
  'reservation.no-show': 'warning',
  'reservation.ended': 'info',
  'reservation.replanned': 'info',
  'reservation.at-risk': 'warning',
  'reservation.refused': 'danger',
  'pledge.broken': 'warning',
  'console.opened': 'info',
  'home.lost': 'danger',
  'home.found': 'success',
};

/** A kind that a later master has and this page does not know yet is only information. */
export const noticeLook = (kind: NoticeKind): NoticeLook => (looks as Readonly<Partial<Record<string, NoticeLook>>>)[kind] ?? 'info';

/** Where what a notice speaks of is shown. */
export function noticeAddress({ type, id }: Notice['subject']): string {
  switch (type) {
    case 'instance':
      return `/machines/${id}`;
    case 'reservation':
      return `/reservations/${id}`;
    case 'user':
      return '/account';
  }
}
