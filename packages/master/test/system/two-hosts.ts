import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createInstance, deleteInstance, getInstance, type CreateInstanceBody } from '@paravcl/shared/api/instances';
import type { Operation } from '@paravcl/shared/api/operations';
import { drainSlave, listSlaves, undrainSlave } from '@paravcl/shared/api/slaves';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { Slave } from '@paravcl/shared/domain/slave';
import type { ApiClient } from '@paravcl/workbench/api-client';
import { eventually } from '@paravcl/workbench/eventually';
import { buildDemoGuest } from '@paravcl/workbench/guest/demo-guest';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { followOperation, instanceWhere } from '@paravcl/workbench/lab/follow-operation';
import type { GuestPage } from '@paravcl/workbench/lab/host-evidence';
import { randomPassword } from '@paravcl/workbench/lab/lab';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { LabSite, type LabSiteOptions } from '@paravcl/workbench/lab/lab-site';
import { registerDemoGuest } from '@paravcl/workbench/lab/register-demo-guest';

/** A lab of two hosts with room for a few demo guests each, which are soon found lost when they are silent, and its administrator. */
export class TwoHosts {
  readonly site: LabSite;
  readonly one: LabHost;
  readonly two: LabHost;
  /** Once it is up. */
  admin!: ApiClient;
  /** The demo guest. */
  imageId = '';
  private readonly password = randomPassword();

  /** The prefix names its directory below /var/tmp, shortly: sockets lie deep in it. */
  constructor(prefix: string, { masterConfig, ...options }: Pick<LabSiteOptions, 'masterConfig' | 'faultProxies'> = {}) {
    if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes domains and networks: run it with npm test, inside a private host.');
    this.site = new LabSite({
      ...options,
      stateDir: mkdtempSync(`/var/tmp/${prefix}`),
      hosts: [{ name: 'host-1', offerRamMiB: 640 }, { name: 'host-2', offerRamMiB: 640 }],
      masterConfig: { fleet: { heartbeatSeconds: 1, suspectAfterSeconds: 3, lostAfterSeconds: 6 }, placement: { coreOvercommit: 4, hostRamMiB: 0, criticalLimitPercent: 0 }, slaves: { migrateEmulated: true }, ...masterConfig },
    });
    [this.one, this.two] = [this.site.host('host-1'), this.site.host('host-2')];
  }

  /** Both hosts are enrolled and approved, the demo guest is registered. */
  async up(): Promise<void> {
    const guest = await buildDemoGuest();
    await this.site.up();
    this.admin = await this.site.master.firstAdmin('admin', this.password);
    this.imageId = (await registerDemoGuest(this.admin, guest)).id;
    await this.site.enrolAll(this.admin);
  }

  async down(): Promise<void> {
    await this.site.down();
    await this.removeFiles();
  }

  /** Master and this host's agent die in one moment, and come back; its guests run on. */
  async killedAndBack(host: LabHost): Promise<void> {
    const { master } = this.site;
    master.process.kill('SIGKILL');
    host.agent.kill('SIGKILL');
    await eventually('both to be dead', patienceMs, () => (master.process.isRunning() || host.agent.isRunning() ? undefined : true));
    await master.start();
    await host.startAgent();
    await this.logIn();
  }

  /** Of a lab that is down. */
  removeFiles(): Promise<void> {
    return rm(this.site.options.stateDir, { recursive: true, force: true });
  }

  /** Anew, after the master was started again. */
  async logIn(): Promise<void> {
    this.admin = await this.site.master.loginAs('admin', this.password);
  }

  /** A session of the administrator, for who needs its token itself. */
  async session(): Promise<{ readonly client: ApiClient; readonly token: string }> {
    const token = await this.site.master.loginToken('admin', this.password);
    return { token, client: (await this.site.master.client()).as(token) };
  }

  async slaveOf(host: LabHost): Promise<Slave> {
    const slave = (await this.admin.call(listSlaves)).items.find(({ name }) => name === host.name);
    if (slave === undefined) throw new Error(`There is no host ${host.name}.`);
    return slave;
  }

  instanceOf({ id }: Instance): Promise<Instance> {
    return this.admin.call(getInstance, { params: { instanceId: id } });
  }

  /** Where it is. */
  async hostOf(instance: Instance): Promise<LabHost> {
    const { slaveId } = await this.instanceOf(instance);
    return (await this.slaveOf(this.one)).id === slaveId ? this.one : this.two;
  }

  /** While nothing can be placed on the host. */
  async drained<T>(host: LabHost, does: () => Promise<T>): Promise<T> {
    const of = { params: { slaveId: (await this.slaveOf(host)).id } };
    await this.admin.call(drainSlave, of);
    const result = await does();
    await this.admin.call(undrainSlave, of);
    return result;
  }

  /** A demo guest, running. */
  async launch(wish: Partial<CreateInstanceBody> = {}): Promise<Instance> {
    return this.isRunning((await this.admin.call(createInstance, { body: { imageId: this.imageId, ramMiB: 128, minutes: null, ...wish } })).instance);
  }

  isRunning({ id, name }: Instance): Promise<Instance> {
    return instanceWhere(this.admin, id, `${name} to run`, ({ observed }) => observed === 'running');
  }

  /** What its guest says of itself to the host that it is on. */
  async pageOf({ evidence }: LabHost, { id, address, name }: Instance): Promise<GuestPage> {
    let seen = 'nothing';
    // What the host says of the guest, so that one whose network is gone is told from one that died.
    const look = async (): Promise<GuestPage | undefined> => {
      const page = await evidence.guestPage(address ?? '');
      if (page === undefined) seen = `${(await evidence.domainState(id)) ?? 'no domain'}, its console ends with ${JSON.stringify((await evidence.serialLog(id)).slice(-200))}`;
      return page;
    };
    return eventually(`the page of ${name}`, patienceMs, look, { state: () => seen });
  }

  async remove({ id }: Instance): Promise<void> {
    await this.done(this.admin.call(deleteInstance, { params: { instanceId: id } }));
  }

  async nothingIsLeft(host: LabHost, { id, name, mac }: Instance): Promise<void> {
    await eventually(`nothing of ${name} to be left on ${host.name}`, patienceMs, async () => ((await host.evidence.leftovers({ instanceId: id, name, mac: mac ?? 'without a MAC' })).length === 0 ? true : undefined));
  }

  /** Follows what was asked for to its end. */
  async done(asked: Promise<{ readonly operation: Operation }>): Promise<void> {
    await followOperation(this.admin, (await asked).operation);
  }
}
