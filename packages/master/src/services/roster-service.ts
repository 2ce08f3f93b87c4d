import type { RosterLine, RosterOutcome } from '@paravcl/shared/api/roster';
import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { Group, Principal, User } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { readRoster, type RosterEntry } from '../core/roster-file';
import { isDuplicateKey } from '../db/connection';
import type { UnitOfWork } from '../db/unit-of-work';
import type { Repositories } from '../repositories/repositories';
import { eventBy, type Acting } from './acting';
import { joinGroup, lockedGroup } from './group-service';
import type { UserNameRule } from './instance-settings';
import type { IssuedToken } from './one-time-tokens';
import { may } from './policy';
import { many } from './say-count';
import { userNameFault } from './user-name-rule';
import { makeUser, seenAs } from './user-service';

/** What a line comes to, and for whom. */
interface JudgedLine extends Omit<RosterLine, 'password'> {
  /** Null when nobody has an account of this name. */
  readonly user: User | null;
}

export interface BroughtLine extends Omit<RosterLine, 'password'> {
  /** Of an account that was made just now. */
  readonly password: IssuedToken | null;
}

interface Counts {
  readonly lines: number;
  readonly newUsers: number;
  readonly added: number;
  readonly alreadyMembers: number;
  readonly faults: number;
}

/**
 * A course's list into its group. A list is looked at and applied by the same judgement, so that what is shown before is what is
 * done; applied it is whole or not at all. It only ever adds: who is in the group and not in the list stays, and accounts that are
 * there keep the name and mail address they have. The same list once more changes nothing.
 */
export class RosterService {
  /** `userNames`: which names new people may have. */
  constructor(private readonly deps: { readonly unit: UnitOfWork; readonly clock: Clock; readonly userNames: UserNameRule }) {}

  /** @throws ParavclError `conflict` (a line has a fault, and nothing was changed), `not-found` and `forbidden` (the group) */
  async bring(acting: Acting, groupId: string, csv: string, { apply }: { readonly apply: boolean }): Promise<{ readonly lines: readonly BroughtLine[]; readonly counts: Counts }> {
    const entries = readRoster(csv);
    try {
      return await this.deps.unit.transaction(async (write) => {
        const group = await lockedGroup(write, acting.principal, 'group.edit', groupId);
        const users = await write.users.findByNames(entries.filter(({ fault }) => fault === null).map(({ name }) => name));
        const judged = entries.map((entry) => this.judge(acting.principal, group, entry, users.get(entry.name) ?? null));
        const counts = countsOf(judged);
        if (!apply) return { lines: judged.map((line) => brought(line, null)), counts };
        requireFaultless(judged, counts);
        return { lines: await this.write(write, acting, group, judged, counts), counts };
      });
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      throw new ParavclError('conflict', 'Nothing was changed: somebody took one of the new user names at the same moment. Look at the list again, then apply it.', { field: 'csv' });
    }
  }

  private judge(principal: Principal, group: Group, entry: RosterEntry, user: User | null): JudgedLine {
    const { line, name } = entry;
    const isSeen = user !== null && may(principal, 'user.see', seenAs(principal, user));
    const said = { line, name, displayName: isSeen ? user.displayName : entry.displayName, mail: isSeen ? user.mail : entry.mail, user };
    const as = (outcome: RosterOutcome, sentence: string): JudgedLine => ({ ...said, outcome, sentence });
    if (entry.fault !== null) return as('fault', entry.fault);
    if (user === null) {
      if (!may(principal, 'user.create', { ownerUserId: null, groupId: group.id })) {
        return as('fault', `There is no user ${name}. Check the name, or leave the line out: who has no account registers with the enrolment code of ${group.name}.`);
      }
      const refused = userNameFault(name, this.deps.userNames);
      return refused === null ? as('new-user', `${name} gets an account as student, in ${group.name}.`) : as('fault', refused);
    }
    if (user.groupIds.includes(group.id)) return as('already-member', `${name} is in ${group.name} already.`);
    if (user.disabled) return as('fault', `The account ${name} is locked. Have an administrator unlock it, or leave the line out.`);
    return as('added', `${name} is added to ${group.name}.`);
  }

  private async write(write: Repositories, acting: Acting, group: Group, judged: readonly JudgedLine[], counts: Counts): Promise<readonly BroughtLine[]> {
    const now = this.deps.clock.now();
    const lines: BroughtLine[] = [];
    for (const line of judged) lines.push(brought(line, await bringOne(write, acting, group, line, now)));
    if (counts.newUsers + counts.added > 0) {
      const sentence = `A list of ${many(counts.lines, 'line')} was applied to ${group.name}: ${many(counts.newUsers, 'account')} made, ${counts.added} added who had one, ${counts.alreadyMembers} in it already.`;
      await write.events.append(eventBy(acting, { kind: 'group.roster-applied', subjectType: 'group', subjectId: group.id, sentence }), now);
    }
    return lines;
  }
}

/** Answers the token of an account that it made. */
async function bringOne(write: Repositories, acting: Acting, group: Group, { outcome, user, name, displayName, mail }: JudgedLine, now: EpochMs): Promise<IssuedToken | null> {
  if (outcome === 'already-member') return null;
  if (user !== null) {
    await joinGroup(write, acting, group, user, now);
    return null;
  }
  const made = await makeUser(write, acting, { name, displayName: displayName ?? name, role: 'student', primaryGroupId: group.id, sshPublicKeys: [], mail }, now);
  await joinGroup(write, acting, group, { id: made.id, name }, now);
  return made.password;
}

function requireFaultless(judged: readonly JudgedLine[], { lines, faults }: Counts): void {
  const first = judged.find(({ outcome }) => outcome === 'fault');
  if (first === undefined) return;
  throw new ParavclError('conflict', `Nothing was changed: ${faults} of ${many(lines, 'line')} ${faults === 1 ? 'has' : 'have'} a fault. ${faults === 1 ? 'It is' : 'The first is'} line ${first.line}: ${first.sentence}`, { field: 'csv' });
}

function countsOf(judged: readonly JudgedLine[]): Counts {
  const count = (outcome: RosterOutcome): number => judged.filter((line) => line.outcome === outcome).length;
  return { lines: judged.length, newUsers: count('new-user'), added: count('added'), alreadyMembers: count('already-member'), faults: count('fault') };
}

function brought({ line, name, displayName, mail, outcome, sentence }: JudgedLine, password: IssuedToken | null): BroughtLine {
  return { line, name, displayName, mail, outcome, sentence, password };
}
