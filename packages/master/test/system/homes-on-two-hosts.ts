/** Two real hosts whose guests have homes: what a guest says of its home, what lies on the hosts, and when it is in the store. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { getMyHome } from '@paravcl/shared/api/homes';
import { stopInstance } from '@paravcl/shared/api/instances';
import type { Instance } from '@paravcl/shared/domain/instance';
import { eventually } from '@paravcl/workbench/eventually';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import type { LabSiteOptions } from '@paravcl/workbench/lab/lab-site';
import { TwoHosts } from './two-hosts';

/** What a guest read of its home when it booted, and what it wrote there then. */
interface SaidOfHome {
  readonly held: string;
  readonly wrote: string;
}

export class HomesOnTwoHosts extends TwoHosts {
  constructor(prefix: string, options: Pick<LabSiteOptions, 'faultProxies'> = {}) {
    super(prefix, { ...options, masterConfig: { homes: { sizeMiB: 32 } } });
  }

  async stop({ id }: Instance): Promise<void> {
    await this.done(this.admin.call(stopInstance, { params: { instanceId: id }, body: {} }));
  }

  /** What its guest said of the home at its last boot, once it has booted so often. */
  saysOfHome(instance: Instance, boots = 1): Promise<SaidOfHome> {
    return eventually(`the guest of ${instance.name} to tell of its home`, patienceMs, async () => {
      const log = await (await this.hostOf(instance)).evidence.serialLog(instance.id);
      const said = [...log.matchAll(/paravcl-guest home held=(\S*) wrote=(\S+)/g)].map(([, held = '', wrote = '']) => ({ held, wrote }));
      return said.length >= boots ? said.at(-1) : undefined;
    });
  }

  async homesOn(host: LabHost): Promise<readonly string[]> {
    return existsSync(join(host.pool, 'homes')) ? readdir(join(host.pool, 'homes')) : [];
  }

  /** Has its guest write this word on its home; answers what was there before. */
  async writesHome(instance: Instance, word: string): Promise<string> {
    const host = await this.hostOf(instance);
    return eventually(`the home of ${instance.name} to be written`, patienceMs, () => host.evidence.guestHome(instance.address ?? '', word));
  }

  async isEmptyOfHomes(host: LabHost): Promise<void> {
    await eventually(`what ${host.name} had of homes to be gone`, patienceMs, async () => ((await this.homesOn(host)).length === 0 ? true : undefined));
  }

  async isStored(): Promise<void> {
    await eventually('the home to be in the store', patienceMs, async () => ((await this.admin.call(getMyHome)).state === 'stored' ? true : undefined));
  }
}
