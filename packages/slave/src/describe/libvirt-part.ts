import { sleep, type Clock } from '@paravcl/shared/clock';
import type { Describe } from '@paravcl/shared/domain/slave';
import type { HypervisorVersions } from './hypervisor-versions';
import type { KvmVerdict } from './kvm-probe';

interface Baseline {
  readonly machine: string | null;
  readonly cpu: string | null;
}

export interface LibvirtQuestions {
  versions(deadlineMs: number): Promise<HypervisorVersions>;
  /** Machine type and CPU model guests are pinned to; null while nobody knows. */
  baseline(): Promise<Baseline | null>;
}

/** Half of what the master waits for a hello, which waits for this. */
export const libvirtDeadlineMs = 8000;

/**
 * The hypervisor part of the describe data of a host with libvirt. A libvirt that hangs is said not to answer,
 * and what it is was told before: versions and baseline do not change by its silence.
 */
export class LibvirtPart {
  private versions: HypervisorVersions = { libvirt: null, qemu: null };
  private baseline: Baseline = { machine: null, cpu: null };

  constructor(
    private readonly clock: Clock,
    private readonly verdict: KvmVerdict,
    private readonly questions: LibvirtQuestions,
  ) {}

  /** Answers within `libvirtDeadlineMs` whatever libvirt does. */
  async part(): Promise<Describe['hypervisor']> {
    const [versions, baseline] = await Promise.all([
      this.inTime(this.questions.versions(libvirtDeadlineMs)),
      this.inTime(this.questions.baseline().catch(() => null)),
    ]);
    const answers = versions !== null && versions.libvirt !== null;
    if (answers) this.versions = versions;
    if (baseline !== null) this.baseline = { machine: baseline.machine, cpu: baseline.cpu };
    return libvirtPart(this.verdict, answers, this.versions, this.baseline);
  }

  private inTime<T>(answer: Promise<T>): Promise<T | null> {
    return Promise.race([answer, sleep(this.clock, libvirtDeadlineMs).then(() => null)]);
  }
}

/** KVM where the probe ran a guest, else TCG, with the reason. */
export function libvirtPart(verdict: KvmVerdict, answers: boolean, versions: HypervisorVersions, baseline: Baseline): Describe['hypervisor'] {
  const why = verdict.usable ? verdict.why : `guests are emulated (slow): ${verdict.why}`;
  return {
    kind: verdict.usable ? 'kvm' : 'qemu',
    usable: answers,
    why: (answers ? why : `libvirt does not answer; ${why}`).slice(0, 1000),
    ...versions,
    ...baseline,
  };
}
