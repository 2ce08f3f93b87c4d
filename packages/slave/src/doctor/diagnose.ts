import type { KvmFacts } from '../describe/kvm-probe';
import { diagnoseAppArmor, diagnoseKvm, diagnoseLibvirt, diagnoseTools, type AppArmorFacts, type LibvirtFacts, type ToolFacts } from './diagnose-hypervisor';
import { diagnoseMaster, type MasterFacts } from './diagnose-master';
import { diagnoseMirror, type MirrorFacts } from './diagnose-mirror';
import { diagnoseNetwork, type NetworkFacts } from './diagnose-network';
import { diagnoseOffer, type OfferFacts } from './diagnose-offer';
import { diagnosePool, type PoolFacts } from './diagnose-pool';
import { diagnoseSecrets, type SecretFile } from './diagnose-secrets';
import type { Finding } from '@paravcl/shared/finding';

/** Everything doctor looks at, read before anything is judged. */
export interface DoctorFacts {
  readonly kvm: KvmFacts;
  readonly libvirt: LibvirtFacts;
  readonly tools: readonly ToolFacts[];
  readonly appArmor: AppArmorFacts;
  readonly offer: OfferFacts;
  readonly pool: PoolFacts;
  readonly network: NetworkFacts;
  readonly master: MasterFacts;
  readonly mirror: MirrorFacts;
  readonly secrets: readonly SecretFile[];
  /** The user doctor runs as. */
  readonly ownUid: number;
}

/** All findings in the order in which they should be mended: what comes later often hangs on what comes before. */
export function diagnose(facts: DoctorFacts): readonly Finding[] {
  return [
    ...diagnoseTools(facts.tools),
    ...diagnoseKvm(facts.kvm),
    ...diagnoseLibvirt(facts.libvirt),
    ...diagnoseAppArmor(facts.appArmor),
    ...diagnoseOffer(facts.offer),
    ...diagnosePool(facts.pool),
    ...diagnoseNetwork(facts.network),
    ...diagnoseMaster(facts.master),
    ...diagnoseMirror(facts.mirror),
    ...diagnoseSecrets(facts.secrets, facts.ownUid),
  ];
}
