import type { Clock, EpochMs } from '@paravcl/shared/clock';
import { admissionMoves, type AddressCheck, type Admission, type Liveness } from '@paravcl/shared/domain/slave';
import { helloSigningInput, type Hello } from '@paravcl/shared/protocol/agent-to-master';
import type { Refused } from '@paravcl/shared/protocol/master-to-agent';
import { oldestProtocolVersion, protocolVersion } from '@paravcl/shared/protocol/version';
import { judgeIdentity } from '../core/identity';
import type { UnitOfWork } from '../db/unit-of-work';
import type { NewEvent } from '../repositories/event-repository';
import type { Repositories } from '../repositories/repositories';
import type { GreetedSlave } from '../repositories/fleet-repository';
import { steadyDescribe } from '../repositories/slave-record';
import { isSignedBy } from './agent-key';
import { Batches } from './batches';
import { isLastingFault } from './lasting-fault';
import { RefusalLimiter } from './refusal-limiter';

export interface HelloContext {
  /** The nonce this connection was challenged with. */
  readonly nonce: string;
  readonly address: string;
  /** Whether a session that proved this slave's enrolled key is alive now. */
  isConnected(slaveId: string): boolean;
  /** Whether the connection is there still: the hello of one that ended is not judged. */
  isOpen(): boolean;
}

export type HelloVerdict =
  | { readonly kind: 'welcome'; readonly name: string; readonly admission: Admission; readonly livenessBefore: Liveness }
  | {
      readonly kind: 'refused';
      readonly code: Refused['code'];
      readonly sentence: string;
      /** It proved the key of no slave of ours: anybody could have said this. */
      readonly stranger: boolean;
      /** This very hello moved the slave to quarantine. */
      readonly quarantinedNow: boolean;
    };

const refused = (code: Refused['code'], sentence: string, of: { readonly stranger?: boolean; readonly quarantinedNow?: boolean } = {}): HelloVerdict => ({
  kind: 'refused',
  code,
  sentence,
  stranger: of.stranger ?? false,
  quarantinedNow: of.quarantinedNow ?? false,
});

/** A hello whose signature is that of the key it presents. */
interface SignedHello {
  readonly hello: Hello;
  readonly context: HelloContext;
}

/** Hellos that are judged in one transaction, and such transactions at a time. */
const hellosPerBatch = 50;
const batchesAtOnce = 2;
/** Hellos that wait while the database is slow, one frame each: twice what the door lets in at a time (`maxUnproven`). */
const mostHellosWaiting = 2_000;

/**
 * Who says hello, and whether they are let in. When a whole fleet comes back at once its hellos are judged
 * together: those that waited while a transaction ran are the next one. At most `mostHellosWaiting` wait; while the
 * database is silent, those whose connections ended meanwhile go first.
 */
export class HelloService {
  /** One event a minute tells of an address that claims to be a slave which is connected already. */
  private readonly told: RefusalLimiter;
  private readonly batches: Batches<SignedHello, HelloVerdict>;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
    private readonly addressCheck: AddressCheck,
  ) {
    this.told = new RefusalLimiter(clock, { refusals: 1, windowMs: 60_000 });
    this.batches = new Batches((hellos) => this.judgeTogether(hellos), {
      most: hellosPerBatch,
      atOnce: batchesAtOnce,
      // Of two connections that say to be one slave, the later finds what the earlier left.
      keyOf: ({ hello }) => hello.slaveId,
      mostWaiting: mostHellosWaiting,
      isWanted: ({ context }) => context.isOpen(),
      // A database that is away fails them all; the agents dial again.
      isFaultOfOne: isLastingFault,
    });
  }

  /**
   * Judges a hello in this order: protocol; signature, against the key that is *presented* (it proves
   * that whoever speaks holds that key, no more); whether there is such a slave and it is not retired;
   * whether it is the enrolled machine, else it is quarantined (but nobody who shows another key can do
   * that to a slave that is connected: anybody can make a key); whether it is quarantined already.
   * An accepted hello is recorded: the slave is online from now. Null when its connection ended before its turn.
   */
  async judge(hello: Hello, context: HelloContext): Promise<HelloVerdict | null> {
    if (hello.protocol < oldestProtocolVersion || hello.protocol > protocolVersion) {
      return refused('protocol-version', `This agent speaks protocol ${hello.protocol}; the master speaks ${oldestProtocolVersion} to ${protocolVersion}. Upgrade the older of the two.`);
    }
    if (!isSignedBy(hello.publicKey, helloSigningInput(context.nonce, hello.slaveId), hello.signature)) {
      return refused('bad-signature', 'The signature of the hello does not match its key. Check that the agent’s key file is whole.', { stranger: true });
    }
    return this.batches.add({ hello, context });
  }

  private judgeTogether(hellos: readonly SignedHello[]): Promise<HelloVerdict[]> {
    return this.unitOfWork.transaction(async (repositories) => {
      // Locked, so that an approval or another hello of the same slave comes wholly before or after.
      const slaves = await repositories.fleet.lockForHello(hellos.map(({ hello }) => hello.slaveId));
      const verdicts = new Map<SignedHello, HelloVerdict>();
      // Also what each writes is in the order of ids, as the store job's writes are: neither waits for the other crosswise.
      const inOrder = [...hellos].sort((one, other) => (one.hello.slaveId < other.hello.slaveId ? -1 : 1));
      for (const signed of inOrder) verdicts.set(signed, await this.judgeSigned(repositories, slaves.get(signed.hello.slaveId) ?? null, signed.hello, signed.context));
      return hellos.flatMap((signed) => verdicts.get(signed) ?? []);
    });
  }

  private async judgeSigned(repositories: Repositories, found: GreetedSlave | null, hello: Hello, context: HelloContext): Promise<HelloVerdict> {
    const now = this.clock.now();
    if (found === null) return refused('unknown-slave', 'This master knows no such host. Enrol the machine with a join token.', { stranger: true });
    const slave = found.record;
    if (slave.admission === 'retired') return refused('retired', `${slave.name} was retired from the pool. Enrol the machine again with a join token.`);

    const verdict = judgeIdentity({ ...slave, lastAddress: slave.address }, { ...hello, address: context.address }, this.addressCheck);
    if (verdict.kind === 'other' && !verdict.keyMatches && context.isConnected(slave.id)) return this.turnAway(repositories, slave, context, now);
    if (verdict.kind === 'other') return this.quarantine(repositories, slave, hello, context, verdict, now);
    if (slave.admission === 'quarantined') {
      return refused('quarantined', `${slave.name} is quarantined: ${slave.admissionReason ?? 'an operator must look at it.'} An operator approves it in the portal.`);
    }

    if (!(await this.record(repositories, found, hello, context, now))) return refused('newer-session', `${slave.name} changed while it said hello. Say hello again.`);
    if (verdict.addressChange !== null) await repositories.events.append(slaveEvent(slave, 'slave.address-changed', context.address, `${slave.name}: ${verdict.addressChange}`), now);
    if (slave.liveness !== 'online') {
      const first = slave.lastSeenAt === null ? 'is connected for the first time' : `is online again (it was ${slave.liveness})`;
      await repositories.events.append(slaveEvent(slave, 'slave.online', context.address, `${slave.name} ${first}, from ${context.address}.`), now);
    }
    return { kind: 'welcome', name: slave.name, admission: slave.admission, livenessBefore: slave.liveness };
  }

  /**
   * Writes down what an accepted hello changes. After a restart of the master that is nothing: everybody is
   * as the books say. When it was seen is written with the pulses. False when admission changed, or a later
   * start of the agent was seen, meanwhile.
   */
  private async record(repositories: Repositories, found: GreetedSlave, hello: Hello, context: HelloContext, now: EpochMs): Promise<boolean> {
    const { record: slave, describeText, foreignDomainsText } = found;
    const asBefore =
      slave.liveness === 'online' && slave.presented === null && slave.epoch === hello.epoch && slave.agentBuild === hello.build && slave.address === context.address &&
      describeText === JSON.stringify(steadyDescribe(hello.describe)) && foreignDomainsText === JSON.stringify(hello.foreignDomains);
    if (asBefore) return true;
    const { load1, ramAvailableMiB, poolAvailableMiB } = hello.describe;
    // Who measures the offset is the master, from heartbeats; what the agent says of it is its own view.
    await repositories.fleet.storePulses([{ slaveId: slave.id, seenAt: now, load1, ramAvailableMiB, poolAvailableMiB, clockOffsetMs: null }]);
    return repositories.slaves.openSession(slave.id, slave.admission, {
      epoch: hello.epoch,
      agentBuild: hello.build,
      address: context.address,
      describe: hello.describe,
      foreignDomains: hello.foreignDomains,
      seenAt: now,
    });
  }

  private async quarantine(
    repositories: Repositories,
    slave: GreetedSlave['record'],
    hello: Hello,
    context: HelloContext,
    verdict: { readonly keyMatches: boolean; readonly sentence: string },
    now: EpochMs,
  ): Promise<HelloVerdict> {
    const moved = admissionMoves[slave.admission].includes('quarantined') && (await repositories.slaves.moveAdmission(slave.id, slave.admission, 'quarantined', verdict.sentence));
    // What the holder of another key shows is never offered for adoption: anybody can make a key.
    await repositories.slaves.noteQuarantine(
      slave.id,
      verdict.sentence,
      verdict.keyMatches ? { machineId: hello.machineId, macs: hello.macs, address: context.address, epoch: hello.epoch } : null,
    );
    // One event for the move, and none for each of its attempts every few seconds.
    if (moved) await repositories.events.append(slaveEvent(slave, 'slave.quarantined', context.address, `${slave.name} is quarantined. ${verdict.sentence}`), now);
    return refused('quarantined', `${slave.name} is quarantined. ${verdict.sentence} An operator must look at it in the portal.`, { stranger: !verdict.keyMatches, quarantinedNow: moved });
  }

  /** Somebody with another key, while the slave itself is connected: written down, and nothing else changes. */
  private async turnAway(repositories: Repositories, slave: GreetedSlave['record'], context: HelloContext, now: EpochMs): Promise<HelloVerdict> {
    if (this.told.waitMs(context.address) === 0) {
      this.told.refused(context.address);
      const sentence = `Somebody at ${context.address} said to be ${slave.name}, with another key, and was refused. ${slave.name} is connected with its own key and goes on.`;
      await repositories.events.append({ ...slaveEvent(slave, 'slave.stranger-refused', context.address, sentence), actor: 'master' }, now);
    }
    return refused('bad-signature', `${slave.name} is connected now, with another key than this one. If its key was lost, stop the other agent or retire the host, and enrol this machine again.`, { stranger: true });
  }
}

function slaveEvent(slave: GreetedSlave['record'], kind: string, clientAddress: string, sentence: string): NewEvent {
  return { kind, subjectType: 'slave', subjectId: slave.id, actor: `host ${slave.name}`, actorUserId: null, clientAddress, sentence };
}
