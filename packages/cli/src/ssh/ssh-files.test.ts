import { writeSshFiles, knownHostsLine, sshConfig } from './ssh-files';

const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMjLUc1IBiUGPYLjs1DrIjzuxfL+84NMj2OmzWzLpW1G';
const gateway = { host: '10.0.0.1', port: 8022, hostKey, hostKeyFingerprint: 'SHA256:another', guestUser: 'lab' };

it('refuses a host key that is not the one of the fingerprint', () => {
  expect(() => knownHostsLine(gateway)).toThrow('the fingerprint of another (SHA256:another)');
});

it('jumps over the gateway with its known key, and remembers each machine by its id', () => {
  const config = sshConfig({ name: 'web', instanceId: 'id-1', userName: 'alice', identity: null }, gateway, { gateways: '/c d/known', guests: '/c%/guests' });
  expect(config).toContain('Host web\n  User lab\n  ProxyJump alice@10.0.0.1:8022\n  HostKeyAlias paravcl-id-1\n');
  expect(sshConfig({ name: 'web', instanceId: 'id-1', userName: 'alice', identity: '/home/a lice/key' }, gateway, { gateways: 'a', guests: 'b' }).match(/IdentityFile "\/home\/a lice\/key"\n  IdentitiesOnly yes/g)).toHaveLength(2);
  expect(config).toContain('Host 10.0.0.1\n  HostKeyAlias [10.0.0.1]:8022\n  StrictHostKeyChecking yes\n  UserKnownHostsFile "/c d/known"\n');
  expect(config).toContain('UserKnownHostsFile "/c%%/guests"');
  expect(sshConfig({ name: 'web', instanceId: 'id-1', userName: 'alice', identity: null }, { ...gateway, host: 'fd00::1' }, { gateways: 'a', guests: 'b' })).toContain('ProxyJump alice@[fd00::1]:8022\n');
});

it.each([[{ guestUser: 'lab\n  ProxyCommand touch /tmp/x' }, {}], [{ host: '../../other' }, {}], [{}, { name: '-oProxyCommand=x' }], [{}, { userName: 'a b' }], [{ host: '-x' }, {}]])('writes nothing of what is no plain name: %j %j', async (gatewaySays, targetSays) => {
  const target = { name: 'web', instanceId: 'id-1', userName: 'alice', identity: null, ...targetSays };
  await expect(writeSshFiles({ env: { XDG_CONFIG_HOME: '/nonexistent' }, home: '/nonexistent' } as Parameters<typeof writeSshFiles>[0], target, { ...gateway, ...gatewaySays })).rejects.toThrow('where a plain name belongs');
});
