import { isAllowed } from '../describe/file-access';
import type { HypervisorVersions } from '../describe/hypervisor-versions';
import { judgeKvm, openKvmToQemu, type KvmFacts } from '../describe/kvm-probe';
import { fault, ok, warning, type Finding } from '@paravcl/shared/finding';

export interface LibvirtFacts {
  readonly uri: string;
  readonly versions: HypervisorVersions;
  /** libvirt's last complaint when it did not answer. */
  readonly complaint: string;
  /** Which daemon's socket is there: one for all, or one per driver (virtqemud). */
  readonly daemon: 'libvirtd' | 'virtqemud' | null;
  readonly socket: string | null;
}

export interface ToolFacts {
  readonly binary: string;
  readonly purpose: string;
  /** Debian package that brings it. */
  readonly debianPackage: string;
  /** Guests run without it. */
  readonly onlySometimes?: true;
  readonly found: boolean;
}

export interface AppArmorFacts {
  readonly enabled: boolean;
  /** Files that lack our line, of those in `appArmorHooks`. */
  readonly missingIn: readonly string[];
  /** False when the installed rule names another pool directory. */
  readonly namesPool: boolean;
  readonly poolDir: string;
}

/** KVM judged by running a guest. A slave without it works, slowly; so that is a warning. */
export function diagnoseKvm(facts: KvmFacts): readonly Finding[] {
  const verdict = judgeKvm(facts);
  const guest = verdict.usable
    ? ok('kvm', 'KVM works: it ran a guest.')
    : warning('kvm', `Guests are emulated, many times slower than with KVM: ${verdict.why}.`, verdict.mend);
  return [guest, ...diagnoseKvmDevice(facts)];
}

function diagnoseKvmDevice({ device, qemuAccount }: KvmFacts): readonly Finding[] {
  if (!qemuAccount)
    return [fault('qemu-account', 'There is no user libvirt-qemu: libvirt\'s QEMU driver is not installed.', 'apt-get install -y libvirt-daemon-system')];
  if (!device) return [];
  if (isAllowed(qemuAccount, device, ['read', 'write'])) return [ok('kvm-device', `/dev/kvm is open to ${qemuAccount.name}, the user libvirt runs QEMU as.`)];
  // A fault even where KVM runs no guest: it makes every start of an emulated guest slow too.
  const mode = (device.mode & 0o777).toString(8).padStart(4, '0');
  return [
    fault(
      'kvm-device',
      `/dev/kvm (mode ${mode}) is closed to ${qemuAccount.name}, the user libvirt runs QEMU as: every start of a guest takes over a minute longer.`,
      openKvmToQemu,
    ),
  ];
}

export function diagnoseLibvirt({ uri, versions, complaint, daemon, socket }: LibvirtFacts): readonly Finding[] {
  if (versions.libvirt === null) {
    const unit = daemon ?? 'libvirtd';
    const why = socket === null ? 'no daemon listens' : complaint || 'no answer within 10 s';
    return [fault('libvirt', `libvirt does not answer at ${uri}: ${why}.`, `systemctl enable --now ${unit}.socket && systemctl restart ${unit}.service`)];
  }
  return [ok('libvirt', `libvirt ${versions.libvirt} answers at ${uri} (${daemon ?? 'daemon unknown'}), QEMU ${versions.qemu ?? 'version unknown'}.`)];
}

export function diagnoseTools(tools: readonly ToolFacts[]): readonly Finding[] {
  return tools.map(({ binary, purpose, debianPackage, found, onlySometimes }) =>
    found ? ok(`tool-${binary}`, `${binary} is there.`) : (onlySometimes ? warning : fault)(`tool-${binary}`, `${binary} is missing: ${purpose}.`, `apt-get install -y ${debianPackage}`),
  );
}

/** Where libvirt's profiles let a site add to them, and the abstraction of ours each has to include. */
export const appArmorHooks = [
  { file: 'local/abstractions/libvirt-qemu', abstraction: 'paravcl-guest' },
  { file: 'local/usr.lib.libvirt.virt-aa-helper', abstraction: 'paravcl-virt-aa-helper' },
] as const;

export function diagnoseAppArmor({ enabled, missingIn, namesPool, poolDir }: AppArmorFacts): readonly Finding[] {
  if (!enabled) return [ok('apparmor', 'AppArmor is off on this host: nothing to allow, and nothing confines QEMU but its user.')];
  const install = 'cp /opt/paravcl/current/apparmor/paravcl-* /etc/apparmor.d/abstractions/';
  if (missingIn.length > 0) {
    const lines = appArmorHooks
      .filter(({ file }) => missingIn.includes(file))
      .map(({ file, abstraction }) => `echo 'include if exists <abstractions/${abstraction}>' >> /etc/apparmor.d/${file}`);
    return [
      fault(
        'apparmor',
        `AppArmor is on and does not know the pool ${poolDir}: ${missingIn.map((file) => `/etc/apparmor.d/${file}`).join(' and ')} lack${missingIn.length === 1 ? 's' : ''} our line, so QEMU may be kept from its images and sockets.`,
        [install, ...lines, 'systemctl reload apparmor'].join(' && '),
      ),
    ];
  }
  if (!namesPool)
    return [
      fault('apparmor', `The AppArmor rules are there but name another directory than the pool ${poolDir}.`, `sed -i 's#/var/lib/paravcl-slave/pool#${poolDir}#g' /etc/apparmor.d/abstractions/paravcl-* && systemctl reload apparmor`),
    ];
  return [ok('apparmor', `AppArmor is on and allows the pool ${poolDir}.`)];
}
