import { isAllowed } from './file-access';
import { qemuAccount, qemuOwner } from './qemu-account';

const passwd = 'root:x:0:0:root:/root:/bin/sh\nlibvirt-qemu:x:64055:107:Libvirt Qemu,,,:/var/lib/libvirt:/usr/sbin/nologin\nlab:x:2000:2000::/:/bin/false\n';
const group = 'root:x:0:\nkvm:x:107:\nlibvirt-qemu:x:64055:libvirt-qemu\ndisk:x:6:lab,libvirt-qemu\nlab:x:2000:\n';

describe('the account libvirt runs QEMU as', () => {
  it('is the distribution\'s, with primary and supplementary groups', () => {
    expect(qemuAccount({ passwd, group, qemuConf: '# user = "root"\n' })).toEqual({ name: 'libvirt-qemu', uid: 64055, gids: [107, 64055, 6] });
  });

  it('is the one qemu.conf names, by name or by number', () => {
    expect(qemuAccount({ passwd, group, qemuConf: 'user = "lab"\ngroup = "kvm"\n' })).toEqual({ name: 'lab', uid: 2000, gids: [107, 2000, 6] });
    expect(qemuAccount({ passwd, group, qemuConf: 'user = "+0"\n' })?.name).toBe('root');
  });

  it('is nobody where libvirt\'s QEMU driver is not installed', () => {
    expect(qemuAccount({ passwd: 'root:x:0:0::/:/bin/sh\n', group, qemuConf: '' })).toBeNull();
  });
});

describe('who is given what guests alone may read', () => {
  const owner = (more: string, users = ''): unknown => qemuOwner({ passwd: passwd + users, group: group.replace('kvm:x:107:', `kvm:x:107:${more}`), qemuConf: '' });

  it('is QEMU\'s user with the group of its name, whether or not somebody is in its first one', () => {
    expect(owner('')).toEqual({ uid: 64055, gid: 64055 });
    expect(owner('student')).toEqual({ uid: 64055, gid: 64055 });
  });

  it('has another group where somebody is in that, and its first where somebody is in all', () => {
    const guest = (gid: number): string => `guest:x:3000:${gid}::/:/bin/sh\n`;
    expect(owner('', guest(64055))).toEqual({ uid: 64055, gid: 107 });
    expect(owner('student', guest(64055))).toEqual({ uid: 64055, gid: 107 });
  });

  it('is nobody where libvirt\'s QEMU driver is not installed', () => {
    expect(qemuOwner({ passwd: 'root:x:0:0::/root:/bin/sh\n', group, qemuConf: '' })).toBeNull();
  });
});

describe('who may do what with a file', () => {
  const student = { name: 's', uid: 1000, gids: [1000, 107] };
  it.each([
    ['the group has the right', { uid: 0, gid: 107, mode: 0o660 }, true],
    ['only root has it', { uid: 0, gid: 107, mode: 0o600 }, false],
    ['others have it', { uid: 0, gid: 0, mode: 0o666 }, true],
    ['the group is shut out although others have it', { uid: 0, gid: 107, mode: 0o606 }, false],
    ['the owner is shut out although others have it', { uid: 1000, gid: 0, mode: 0o066 }, false],
    ['one of the two rights is lacking', { uid: 1000, gid: 0, mode: 0o400 }, false],
  ])('%s', (_, file, allowed) => {
    expect(isAllowed(student, file, ['read', 'write'])).toBe(allowed);
  });
});
