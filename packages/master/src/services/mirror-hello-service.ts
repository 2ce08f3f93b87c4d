import { mirrorHelloSigningInput, mirrorProtocolVersion, type MasterToMirror, type MirrorMessage } from '@paravcl/shared/chunks/mirror-messages';
import { admissionMeanings, type AddressCheck, type Admission } from '@paravcl/shared/domain/slave';
import type { UnitOfWork } from '../db/unit-of-work';
import type { SlaveRecord } from '../repositories/slave-record';
import { isSignedBy } from './agent-key';

export type MirrorHello = Extract<MirrorMessage, { type: 'hello' }>;
type RefusalCode = Extract<MasterToMirror, { type: 'refused' }>['code'];

/** The oldest mirrors that are spoken with. */
export const oldestMirrorProtocol = 1;

export type MirrorVerdict =
  | { readonly kind: 'welcome'; readonly name: string; readonly volunteer: boolean }
  | {
      readonly kind: 'refused';
      readonly code: RefusalCode;
      readonly sentence: string;
      /** It proved the key of no slave of ours: anybody could have said this. */
      readonly stranger: boolean;
    };

const refused = (code: RefusalCode, sentence: string, stranger = false): MirrorVerdict => ({ kind: 'refused', code, sentence, stranger });
const isAdmitted = (admission: Admission): boolean => admission === 'approved' || admission === 'draining';

/**
 * Whether a mirror is that of an approved slave. It has the key of its host's agent, and what tells of the host, its liveness,
 * its address and its quarantine, is the agent's to show: here nothing is written, and who is not the enrolled machine is only refused.
 */
export class MirrorHelloService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly addressCheck: AddressCheck,
  ) {}

  /** In this order: protocol; signature, against the key that is presented; whether that is the slave's key; machine and address; admission. */
  async judge(hello: MirrorHello, context: { readonly nonce: string; readonly address: string }): Promise<MirrorVerdict> {
    if (hello.protocol < oldestMirrorProtocol || hello.protocol > mirrorProtocolVersion) {
      return refused('protocol-version', `This mirror speaks protocol ${hello.protocol}; the master speaks ${oldestMirrorProtocol} to ${mirrorProtocolVersion}. Upgrade the older of the two.`);
    }
    if (!isSignedBy(hello.publicKey, mirrorHelloSigningInput(context.nonce, hello.slaveId), hello.signature)) {
      return refused('bad-signature', 'The signature of the hello does not match its key. Check that the host’s key file is whole.', true);
    }
    const slave = await this.unitOfWork.read.slaves.find(hello.slaveId);
    if (slave === null) return refused('unknown-slave', 'This master knows no such host. Enrol the machine with a join token.', true);
    if (hello.publicKey !== slave.publicKey) return refused('bad-signature', `${slave.name} is enrolled with another key than this one. Enrol this machine again.`, true);
    const fault = this.otherMachine(slave, hello, context.address);
    if (fault !== null) return refused('not-approved', `${slave.name} is not let in ${fault}. Its agent shows the same; an operator looks at it in the portal.`);
    if (!isAdmitted(slave.admission)) return refused('not-approved', `${slave.name} is ${slave.admission} (${admissionMeanings[slave.admission]}); its mirror is served once it is approved.`);
    return { kind: 'welcome', name: slave.name, volunteer: slave.kind === 'volunteer' };
  }

  /** To be asked once more when its connection can be found by whoever changes the admission: then no change is missed. */
  async isAdmitted(slaveId: string): Promise<boolean> {
    const slave = await this.unitOfWork.read.slaves.find(slaveId);
    return slave !== null && isAdmitted(slave.admission);
  }

  private otherMachine(slave: SlaveRecord, hello: MirrorHello, address: string): string | null {
    if (hello.machineId !== slave.machineId) return `with machine id ${hello.machineId}; ${slave.machineId} is enrolled`;
    if (this.addressCheck !== 'strict' || slave.enrolledAddress === null || slave.enrolledAddress === address) return null;
    return `from address ${address}; ${slave.enrolledAddress} is enrolled and the address check is strict`;
  }
}
