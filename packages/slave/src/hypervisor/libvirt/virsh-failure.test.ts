import { virshError } from './virsh-failure';

describe('a failure of virsh', () => {
  it.each([
    ["error: failed to get domain 'nope'\n", 'unknown-domain'],
    ["error: failed to connect to the hypervisor\nerror: Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory\n", 'unavailable'],
    ["error: Failed to shutdown domain 'a'\nerror: Requested operation is not valid: domain is not running\n", 'wrong-state'],
    ["error: Failed to start domain 'd1'\nerror: Requested operation is not valid: network 'pv-x' is not active\n", 'network-down'],
    ["error: Failed to start domain 'd1'\nerror: Network not found: no network with matching name 'pv-x'\n", 'network-down'],
    ['error: Failed to update network pv-x\nerror: Requested operation is not valid: network is not running\n', 'network-down'],
    ['error: Domain is already active\n', 'wrong-state'],
    ['error: operation failed: image magic is incorrect\n', 'save-unusable'],
    ['error: operation failed: save image is incomplete\n', 'save-unusable'],
    ["error: Failed to start domain 'a'\nerror: internal error: qemu unexpectedly closed the monitor: qemu-system-x86_64: load of migration failed: Input/output error\n", 'save-unusable'],
    ["error: Failed to restore domain from /x\nerror: unsupported configuration: Target CPU model Nehalem does not match source qemu64\n", 'save-unusable'],
    ["error: Failed to restore domain from /x\nerror: unsupported configuration: Target domain uuid 0192f0c1-2345-7abc-8def-000000000001 does not match source 0192f0c1-2345-7abc-8def-000000000002\n", 'save-unusable'],
    ["error: Failed to start domain 'a'\nerror: internal error: Child process (tc qdisc add dev vnet0 parent 1:1 handle 2: sfq perturb 10) unexpected exit status 2: Error: Specified qdisc kind is unknown.\n", 'unsupported'],
    ['error: something nobody has seen\n', 'failed'],
  ] as const)('%j is %s', (stderr, code) => {
    expect(virshError('start', stderr).code).toBe(code);
  });

  it('keeps libvirt’s words and drops the decoration', () => {
    expect(virshError('start', "error: Failed to start domain 'a'\nerror: no luck\n\n").message).toBe("virsh start: Failed to start domain 'a'; no luck");
    expect(virshError('start', '').message).toBe('virsh start: failed without a word');
  });
});
