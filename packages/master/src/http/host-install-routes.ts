import { cancelHostInstall, createHostInstall, getHostInstall, listHostInstalls, readHostKey, removeSlave } from '@paravcl/shared/api/host-installs';
import type { HostInstallService } from '../services/host-install-service';
import { bind, type BoundRoute } from './binding';

export function hostInstallRoutes(installs: HostInstallService): readonly BoundRoute[] {
  return [
    bind(readHostKey, async ({ principal, body }) => ({ body: await installs.hostKey(principal, body) })),
    bind(createHostInstall, async ({ principal, body, clientAddress, subjectId }) => ({ body: await installs.install(principal, body, clientAddress, subjectId) })),
    bind(listHostInstalls, async ({ principal, query }) => {
      const { items, next } = await installs.list(principal, query);
      return { body: { items: [...items], next } };
    }),
    bind(getHostInstall, async ({ principal, params }) => ({ body: await installs.get(principal, params.hostInstallId) })),
    bind(cancelHostInstall, async ({ principal, params }) => ({ body: await installs.cancel(principal, params.hostInstallId) })),
    bind(removeSlave, async ({ principal, params, body, clientAddress, subjectId }) => ({ body: await installs.remove(principal, params.slaveId, body, clientAddress, subjectId) })),
  ];
}
