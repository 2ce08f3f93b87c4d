import { groupId, groupMayUse } from './kvm-access';

test('a node that root alone may open is closed to QEMU', () => {
  expect(groupMayUse({ mode: 0o020600, gid: 0 }, 107)).toBe(false);
});

test('a node of another group is closed to QEMU, whatever that group may do', () => {
  expect(groupMayUse({ mode: 0o020660, gid: 0 }, 107)).toBe(false);
});

test('a node its group may only read is closed to QEMU', () => {
  expect(groupMayUse({ mode: 0o020640, gid: 107 }, 107)).toBe(false);
});

test('a node of group kvm, or open to all, is open to QEMU', () => {
  expect(groupMayUse({ mode: 0o020660, gid: 107 }, 107)).toBe(true);
  expect(groupMayUse({ mode: 0o020666, gid: 0 }, 107)).toBe(true);
});

test('the group is found by its whole name', () => {
  const file = 'root:x:0:\nkvm-users:x:5:\nkvm:x:107:libvirt-qemu\n';
  expect(groupId(file, 'kvm')).toBe(107);
  expect(groupId(file, 'libvirt')).toBeNull();
});
