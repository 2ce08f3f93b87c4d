import type { Notice, NoticeKind } from '@paravcl/shared/domain/notice';
import { tellMoment } from '../core/tell-time';

/** A mail to one person. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** The same whenever the same notices are sent again, so that a receiver recognises the second copy. */
  readonly messageId: string;
}

/** What became of a mail that the server answered for; a server that cannot be reached is an error instead. */
export type Delivery =
  | { readonly kind: 'taken' }
  /** `forGood`: it will never take this one; else it may later. */
  | { readonly kind: 'refused'; readonly forGood: boolean; readonly sentence: string };

/** Sends mail. `mail/` implements it over SMTP. */
export interface Mailer {
  send(mail: Mail): Promise<Delivery>;
}

export interface MailStyle {
  readonly siteName: string;
  /** Where links lead. */
  readonly baseUrl: string;
  readonly timeZone: string;
}

const subjects: Readonly<Record<NoticeKind, string>> = {
  'instance.deployed': 'A machine was deployed for you',
  'instance.preempted': 'An instance of yours was saved for others',
  'instance.resumed': 'An instance of yours goes on',
  'instance.moving': 'An instance of yours moves to another machine',
  'instance.stayed': 'An instance of yours could not leave its machine',
  'instance.went-off': 'An instance of yours went off before it was saved',
  'instance.short-of-processor': 'An instance of yours gets less of a processor than its due',
  'instance.time-ended': 'The time of an instance of yours is over',
  'instance.aging': 'An instance of yours was not used for long',
  'instance.recycled': 'An instance of yours is in the recycle bin',
  'instance.deleted': 'An instance of yours was deleted',
  'reservation.confirmed': 'Your reservation is confirmed',
  'reservation.moved': 'Your reservation was moved',
  'reservation.changed': 'Your reservation was changed',
  'reservation.begun': 'Your reservation has begun',
  'reservation.no-show': 'Nobody came to your reservation yet',
  'reservation.ended': 'Your reservation is over',
  'reservation.replanned': 'Your reservation got other machines',
  'reservation.at-risk': 'Your reservation is at risk',
  'reservation.refused': 'Your reservation could not be made',
  'pledge.broken': 'The machine you promised did not come',
  'console.opened': 'Somebody opened a console of yours',
  'home.lost': 'What was written on your home volume last is lost',
  'home.found': 'What was written on your home volume last is there again',
};

/** One mail with everything that one person is to be told, oldest first; at least one notice. */
export function noticeMail(to: string, userName: string, notices: readonly Notice[], { siteName, baseUrl, timeZone }: MailStyle): Mail {
  const [first] = notices;
  if (first === undefined) throw new RangeError('A mail without a notice says nothing.');
  const subject = notices.length === 1 ? subjects[first.kind] : `${notices.length} notices about what is yours`;
  const told = notices.map(({ at, sentence, decisionId }) => {
    const why = decisionId === null ? '' : `\n  Why: ${baseUrl}/why/${decisionId}`;
    // The mail itself bears a date; on top of that the weekday is enough.
    const happenedAt = Date.parse(at);
    return `${tellMoment(happenedAt, timeZone, happenedAt)}: ${sentence}${why}`;
  });
  const text = [`Hello ${userName},`, ...told, `${siteName} at ${baseUrl} sent this because your account there has this address. Change or remove it in your account.`].join('\n\n');
  return { to, subject: `${siteName}: ${subject}`, text: `${text}\n`, messageId: `<${first.id}.${notices.length}@${new URL(baseUrl).hostname}>` };
}
