import { runTool, type RunTool } from './run-tool';

export interface HypervisorVersions {
  /** Of the daemon, else of the library; null when libvirt does not answer. */
  readonly libvirt: string | null;
  readonly qemu: string | null;
}

/** Parses `virsh version --daemon`: "Running hypervisor: QEMU 7.2.22", "Running against daemon: 9.0.0". */
export function parseVirshVersion(text: string): HypervisorVersions {
  return {
    libvirt: /^Running against daemon: (\S{1,40})$/m.exec(text)?.[1] ?? /^Using library: libvirt (\S{1,40})$/m.exec(text)?.[1] ?? null,
    qemu: /^Running hypervisor: QEMU (\S{1,40})$/m.exec(text)?.[1] ?? null,
  };
}

/** Asks libvirt at `uri`; nulls when it does not answer within the deadline. */
export async function hypervisorVersions(uri = 'qemu:///system', deadlineMs = 10_000, run: RunTool = runTool): Promise<HypervisorVersions> {
  const answer = await run('virsh', ['--connect', uri, 'version', '--daemon'], deadlineMs);
  return answer.exitStatus === 0 ? parseVirshVersion(answer.stdout) : { libvirt: null, qemu: null };
}
