import type { Action } from '@paravcl/shared/api/actions';
import type { Principal, Role } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';

/** `own`: the thing belongs to the person, is shared with a group of theirs, or, for a teacher, belongs to somebody in a group the teacher owns. */
type Reach = 'any' | 'own' | 'no';
type Row = Readonly<Record<Role, Reach>>;

const row = (student: Reach, teacher: Reach, operator: Reach, admin: Reach): Row => ({ student, teacher, operator, admin });

/**
 * Who may do what (DEFINITIONS, "Roles"): a student their own things; a teacher also what members of
 * the own groups run in them; an operator slaves, images, instances and reservations but not users; an
 * admin everything (the report's "admin alone administers").
 */
const table: Readonly<Record<Action, Row>> = {
  'slave.list': row('own', 'own', 'any', 'any'),
  'slave.see': row('own', 'own', 'any', 'any'),
  'slave.operate': row('no', 'no', 'any', 'any'),
  // Has the master log in elsewhere: for those who have hosts to run.
  'slave.install': row('no', 'no', 'any', 'any'),
  // Wrongly said, an exam runs twice and half of it is lost.
  'slave.declare-dead': row('no', 'no', 'no', 'any'),
  'join-token.create': row('own', 'own', 'any', 'any'),
  'join-token.create-dedicated': row('no', 'no', 'any', 'any'),
  'join-token.list': row('own', 'own', 'any', 'any'),
  'join-token.revoke': row('own', 'own', 'any', 'any'),
  'image.list': row('any', 'any', 'any', 'any'),
  'image.see': row('any', 'any', 'any', 'any'),
  'image.create': row('no', 'no', 'any', 'any'),
  'image.edit': row('no', 'no', 'any', 'any'),
  // A path of the server is the site's own: nobody but its administrator points at one.
  'image.import': row('no', 'no', 'no', 'any'),
  // Who may launch an image may not take it home.
  'image.download': row('own', 'own', 'any', 'any'),
  'image.delete': row('no', 'no', 'any', 'any'),
  // Names all hosts: people see their own machines, and of their reservations how many hosts are ready.
  'image.spread': row('no', 'no', 'any', 'any'),
  'store.see': row('no', 'no', 'any', 'any'),
  'store.operate': row('no', 'no', 'any', 'any'),
  'template.list': row('own', 'own', 'any', 'any'),
  'template.see': row('own', 'own', 'any', 'any'),
  'template.create': row('no', 'own', 'any', 'any'),
  'template.edit': row('no', 'own', 'any', 'any'),
  'template.delete': row('no', 'own', 'any', 'any'),
  'instance.create': row('own', 'own', 'own', 'any'),
  'instance.list': row('own', 'own', 'any', 'any'),
  'instance.see': row('own', 'own', 'any', 'any'),
  'instance.operate': row('own', 'own', 'any', 'any'),
  'instance.console': row('own', 'own', 'any', 'any'),
  // Only where the site has a pool, and within its limit a person.
  'instance.publish': row('own', 'own', 'any', 'any'),
  'connection.list': row('own', 'own', 'any', 'any'),
  'connection.end': row('own', 'own', 'any', 'any'),
  'snapshot.list': row('own', 'own', 'any', 'any'),
  'snapshot.see': row('own', 'own', 'any', 'any'),
  'snapshot.create': row('own', 'own', 'any', 'any'),
  'snapshot.operate': row('own', 'own', 'any', 'any'),
  // For oneself; for others as `mayDeployFor` says.
  'deployment.create': row('own', 'own', 'any', 'any'),
  'deployment.list': row('own', 'own', 'any', 'any'),
  'deployment.see': row('own', 'own', 'any', 'any'),
  'deployment.edit': row('own', 'own', 'any', 'any'),
  'deployment.operate': row('own', 'own', 'any', 'any'),
  'group.list': row('own', 'own', 'any', 'any'),
  'group.see': row('own', 'own', 'any', 'any'),
  'group.create': row('no', 'own', 'no', 'any'),
  'group.edit': row('no', 'own', 'no', 'any'),
  'group.delete': row('no', 'own', 'no', 'any'),
  'user.list': row('no', 'own', 'no', 'any'),
  'user.see': row('own', 'own', 'no', 'any'),
  'user.create': row('no', 'no', 'no', 'any'),
  'user.edit': row('own', 'own', 'no', 'any'),
  'user.set-role': row('no', 'no', 'no', 'any'),
  'home.see': row('own', 'own', 'any', 'any'),
  'home.edit': row('no', 'no', 'any', 'any'),
  'operation.list': row('own', 'own', 'any', 'any'),
  'operation.see': row('own', 'own', 'any', 'any'),
  'api-token.own': row('own', 'own', 'own', 'own'),
  'event.list': row('no', 'no', 'any', 'any'),
  'reservation.create': row('own', 'own', 'own', 'any'),
  'reservation.list': row('own', 'own', 'any', 'any'),
  'reservation.see': row('own', 'own', 'any', 'any'),
  // Whoever claims gets a VM of their own, so not even an admin claims what others reserved for themselves.
  'reservation.claim': row('own', 'own', 'own', 'own'),
  'reservation.operate': row('own', 'own', 'any', 'any'),
  'decision.see': row('own', 'own', 'any', 'any'),
  'decision.inputs': row('no', 'no', 'any', 'any'),
  'decision.replay': row('no', 'no', 'any', 'any'),
  'queue.see': row('own', 'own', 'any', 'any'),
  'capacity.see': row('any', 'any', 'any', 'any'),
  'pool.see': row('no', 'no', 'any', 'any'),
  'monitoring.see': row('no', 'no', 'any', 'any'),
  'fabric.see': row('no', 'no', 'any', 'any'),
  // Every program of the site makes its VMs of them.
  'fabric.define': row('no', 'no', 'no', 'any'),
  'policy.see': row('no', 'no', 'any', 'any'),
  'policy.try': row('no', 'no', 'no', 'any'),
};

/** Whom a thing belongs to; both null for things of the site. */
export interface Subject {
  readonly ownerUserId: string | null;
  readonly groupId: string | null;
  /** Its members share the thing: they do to it what `sharedActions` names, as its owner does. */
  readonly sharedWithGroupId?: string | null;
}

/** What members may do to a thing that is shared with their group; the rest stays with its owner. */
const sharedActions: ReadonlySet<Action> = new Set<Action>(['reservation.see', 'reservation.claim', 'decision.see']);

/** How far this action reaches for the role: lists filter by it, single things are checked with `may`. */
export function reach(principal: Principal, action: Action): Reach {
  return table[action][principal.role];
}

/** Whether the principal may do this to the subject. */
export function may(principal: Principal, action: Action, subject: Subject): boolean {
  switch (reach(principal, action)) {
    case 'any':
      return true;
    case 'no':
      return false;
    case 'own':
      if (subject.ownerUserId === principal.userId) return true;
      if (subject.sharedWithGroupId != null && sharedActions.has(action) && principal.groupIds.includes(subject.sharedWithGroupId)) return true;
      return principal.role === 'teacher' && subject.groupId !== null && principal.ownedGroupIds.includes(subject.groupId);
  }
}

/** Whether a deployment of the principal's may give a machine to this person: to themselves, a teacher to the people of the own groups, who runs the site to everybody. */
export function mayDeployFor(principal: Principal, person: { readonly id: string; readonly groupIds: readonly string[] }): boolean {
  return [null, ...person.groupIds].some((groupId) => may(principal, 'deployment.create', { ownerUserId: person.id, groupId }));
}

/** Said to whose role can never do this and who has another way to what they are after. */
const otherWays: Readonly<Partial<Record<Action, string>>> = {
  'image.delete': ' Images of your own snapshots go with their snapshot: paravcl snapshots delete NAME.',
};

const oneOf = (role: Role): string => `${/^[aeiou]/.test(role) ? 'An' : 'A'} ${role}`;

/** Throws `forbidden` when the role can never do this, whatever the subject. Called at the edge for every route. */
export function authoriseRole(principal: Principal, action: Action): void {
  if (reach(principal, action) === 'no') {
    throw new ParavclError('forbidden', `${oneOf(principal.role)} may not do this (${action}). Ask an administrator of the lab.${otherWays[action] ?? ''}`);
  }
}

/**
 * Throws unless the principal may do this to the subject: `not-found` when they may not even see it
 * (its existence is nobody else's business), else `forbidden`.
 */
export function authorise(principal: Principal, action: Action, see: Action, subject: Subject, what: string): void {
  if (may(principal, action, subject)) return;
  if (may(principal, see, subject)) {
    throw new ParavclError('forbidden', `${oneOf(principal.role)} may not do this (${action}) to ${what}.`);
  }
  throw new ParavclError('not-found', `There is no ${what}, or it is not yours to see.`);
}
