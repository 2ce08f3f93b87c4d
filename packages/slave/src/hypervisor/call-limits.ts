/**
 * How long a call of the hypervisor's tools may take before its process is killed. The deadlines of the
 * agent's steps are sums of these, so that a step ends by its tool, never while the tool still runs.
 */

/** What libvirt answers at once. */
export const quickCallMs = 30_000;
/** libvirt gives QEMU up to 30 s to die after each of its two signals. */
export const destroyCallMs = 90_000;
/** Writing or reading a guest's RAM: 64 GiB at 110 MB/s. libvirt itself goes on after that, and the next look sees it. */
export const ramCallMs = 10 * 60_000;
