import type { JoinWay } from '@paravcl/shared/api/join-tokens';
import type { EpochMs } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import { tellLength, tellMoment } from '../core/tell-time';
import type { Repositories } from '../repositories/repositories';
import { ownsContributingSlave } from './contributing-slaves';
import type { ParticipationSettings } from './instance-settings';
import type { JoinTokenService } from './join-token-service';
import { pledgeStanding, type PledgeStanding } from './pledge-standing';

export interface ParticipationDeps {
  readonly settings: ParticipationSettings;
  readonly contributingMs: number;
  readonly timeZone: string;
  readonly joinTokens: Pick<JoinTokenService, 'makeWithin'>;
}

/** What a promise is answered with: how the machine becomes a host, which is shown this once, and until when it has to be one. */
export interface Pledge extends JoinWay {
  readonly until: string;
}

export interface TakenPart {
  /** Null when nothing was promised, or nothing had to be promised anew. */
  readonly pledge: Pledge | null;
  readonly warnings: readonly string[];
}

export interface Participant {
  readonly principal: Pick<Principal, 'userId' | 'userName' | 'role'>;
  readonly clientAddress: string | null;
}

/**
 * The report's rule that who uses the pool adds to it. A request takes part when its person owns a contributing slave or
 * promises a machine (`asSlave`); a student's request without is an opt-out, and a promise counts as one after another
 * was broken. Opt-outs are counted unless the site has the rule off; beyond the allowed ones `warn` says what it costs
 * and `enforce` refuses.
 */
export class Participation {
  constructor(private readonly deps: ParticipationDeps) {}

  /**
   * Counts, promises and warns for one new request, within its transaction; the person's row is to be locked. Not for a
   * request that is answered a second time.
   *
   * @throws ParavclError `participation-required`
   */
  async takePart(repositories: Repositories, who: Participant, asSlave: boolean, now: EpochMs): Promise<TakenPart> {
    const { principal } = who;
    if (await ownsContributingSlave(repositories, principal.userId, this.deps.contributingMs, now)) return { pledge: null, warnings: [] };
    const standing = pledgeStanding(await repositories.pledges.ofUser(principal.userId), now);
    const used = await this.optOutsBefore(repositories, principal, asSlave, standing, now);
    if (used !== null) await repositories.users.addOptOut(principal.userId);
    const warnings = used === null ? [] : this.optOutSaid(used, 'was');
    if (!asSlave) return { pledge: null, warnings };
    const promised = await this.promise(repositories, who, standing, now);
    return { pledge: promised.pledge, warnings: [...warnings, ...promised.warnings] };
  }

  /**
   * What `takePart` would warn of; counts and promises nothing.
   *
   * @throws ParavclError `participation-required`, as the request would
   */
  async wouldTakePart(repositories: Repositories, principal: Participant['principal'], asSlave: boolean, now: EpochMs): Promise<readonly string[]> {
    if (await ownsContributingSlave(repositories, principal.userId, this.deps.contributingMs, now)) return [];
    const standing = pledgeStanding(await repositories.pledges.ofUser(principal.userId), now);
    const used = await this.optOutsBefore(repositories, principal, asSlave, standing, now);
    return used === null ? [] : this.optOutSaid(used, 'would be');
  }

  /** How many opt-outs came before, for a request that is one; null when it is none. Throws when it would be one too many. */
  private async optOutsBefore(repositories: Repositories, { userId, role }: Participant['principal'], asSlave: boolean, { brokenAt }: PledgeStanding, now: EpochMs): Promise<number | null> {
    const { mode, optOuts } = this.deps.settings;
    if (mode === 'off' || role !== 'student' || (asSlave && brokenAt === null)) return null;
    const used = await repositories.users.optOuts(userId);
    if (mode === 'enforce' && used >= optOuts) throw this.required(used, brokenAt, now);
    return used;
  }

  private optOutSaid(used: number, verb: 'was' | 'would be'): readonly string[] {
    const { mode, optOuts } = this.deps.settings;
    if (mode === 'enforce') {
      const left = optOuts - used - 1;
      const next = left === 0 ? 'The next request needs' : `After ${times(left)} more your requests need`;
      const asked = verb === 'was' ? 'you asked' : 'you ask';
      return [`This ${verb} opt-out ${used + 1} of ${optOuts}: ${asked} without a machine of your own in the pool. ${next} one: ask with "asSlave", or enrol a machine now.`];
    }
    const have = verb === 'was' ? 'You have' : 'You would have';
    return used < optOuts ? [] : [`${have} asked ${times(used + 1)} without a machine of your own in the pool, so your priority is lower (RAS 0). ${this.wayOut()}`];
  }

  private required(used: number, brokenAt: EpochMs | null, now: EpochMs): ParavclError {
    const { optOuts, pledgeMs } = this.deps.settings;
    const asked = `The site lets you ask ${times(optOuts)} without a machine of your own in the pool, and you have done so ${times(used)}.`;
    const way = brokenAt === null ? this.wayOut() : `The machine you promised was not online by ${this.moment(brokenAt, now)}, so promising is not enough now. ${this.enrol()}`;
    return new ParavclError('participation-required', `${asked} ${way}`, { field: 'asSlave', limit: `${times(optOuts)}; a promise holds until ${this.moment(now + pledgeMs, now)}` });
  }

  /** A volunteer's join token that lives as long as the promise; one promise at a time. */
  private async promise(repositories: Repositories, who: Participant, { awaitedUntil }: PledgeStanding, now: EpochMs): Promise<TakenPart> {
    if (awaitedUntil !== null) {
      return { pledge: null, warnings: [`You have promised a machine already: it has to be online by ${this.moment(awaitedUntil, now)}. Enrol it with the command you were shown; if that is lost, make a join token of your own.`] };
    }
    const { settings: { pledgeMs }, joinTokens } = this.deps;
    const { principal, clientAddress } = who;
    const { joinToken, token, oneLine, command, commandThatAsks } = await joinTokens.makeWithin(repositories, { kind: 'volunteer', maker: principal, owner: null, preapproved: false, note: 'promised with a request', lifetimeMs: pledgeMs, clientAddress }, now);
    const untilAt = now + pledgeMs;
    await repositories.pledges.insert({ id: newId(now), userId: principal.userId, joinTokenId: joinToken.id, madeAt: now, untilAt });
    return {
      pledge: { token, oneLine, command, commandThatAsks, until: new Date(untilAt).toISOString() },
      warnings: [`Run the command on your machine, as root, so that it is online by ${this.moment(untilAt, now)}; a promise that is not kept counts nothing the next time.`],
    };
  }

  private wayOut(): string {
    return `Ask with "asSlave" and have your machine online within ${tellLength(this.deps.settings.pledgeMs)}, or enrol it now: make a join token, run the command it shows on your machine, and leave that on.`;
  }

  private enrol(): string {
    return `Make a join token, run the command it shows on your machine, and leave that on for ${tellLength(this.deps.contributingMs)}.`;
  }

  private moment(at: EpochMs, now: EpochMs): string {
    return tellMoment(at, this.deps.timeZone, now);
  }
}

function times(count: number): string {
  return count === 1 ? 'once' : count === 2 ? 'twice' : `${count} times`;
}
