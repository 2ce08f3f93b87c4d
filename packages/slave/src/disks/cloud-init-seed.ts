import type { InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import { stringify } from 'yaml';

export interface SeedFiles {
  readonly 'meta-data': string;
  readonly 'user-data': string;
  /** What the template it was launched from sets up; where the two say different things, user data holds. */
  readonly 'vendor-data'?: string;
}

/**
 * The files of cloud-init's NoCloud data source: who the guest is, who may log in, and what else it sets up. The instance
 * id makes cloud-init configure once for this instance and not at every boot.
 */
export function seedFiles(instanceId: string, seed: InstanceSpec['seed']): SeedFiles {
  const user =
    seed.user === ''
      ? {}
      : {
          users: [
            {
              name: seed.user,
              shell: '/bin/bash',
              sudo: 'ALL=(ALL) NOPASSWD:ALL',
              lock_passwd: true,
              ssh_authorized_keys: [...seed.sshPublicKeys],
            },
          ],
        };
  return {
    'meta-data': stringify({ 'instance-id': instanceId, 'local-hostname': seed.hostname }),
    'user-data': `#cloud-config\n${stringify({ hostname: seed.hostname, preserve_hostname: false, ssh_pwauth: false, ...user })}`,
    ...(seed.vendorData === undefined ? {} : { 'vendor-data': seed.vendorData }),
  };
}
