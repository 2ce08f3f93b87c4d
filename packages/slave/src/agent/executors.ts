import { DiskStoreError, type DiskStore } from '../disks/disk-store';
import type { HomeVolumes } from '../disks/home-volumes';
import { HypervisorError, type DomainSpec, type HypervisorDriver } from '../hypervisor/driver';
import type { InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import type { GuestMigrations } from './guest-migrations';
import type { Journal } from './journal';
import { noMarks, type Marks } from './marks';
import type { Executors } from './steps';

export interface ExecutorParts {
  readonly driver: HypervisorDriver;
  readonly store: DiskStore;
  readonly homes: Pick<HomeVolumes, 'isHere' | 'make'>;
  readonly journal: Journal;
  readonly migrations: Pick<GuestMigrations, 'send'>;
  /** How far the fetch of one of the instance's images is. */
  onProgress(instanceId: string, sha256: string, percent: number): void;
}

/** The acts behind the steps. Marks are on the disk before the act they belong to. */
export function makeExecutors({ driver, store, homes, journal, migrations, onProgress }: ExecutorParts): Executors {
  const note = async (instanceId: string, change: Partial<Marks>): Promise<void> => {
    const marks = journal.state.instances.get(instanceId)?.marks ?? noMarks;
    const isNews = (Object.keys(change) as (keyof Marks)[]).some((key) => change[key] !== marks[key]);
    if (isNews) await journal.append({ kind: 'marks', instanceId, marks: { ...marks, ...change } });
  };
  /** Made with the definition that names it; never under RAM that was saved, or runs, with it. */
  const homeOf = async (instanceId: string, { home, name }: InstanceSpec): Promise<Pick<DomainSpec, 'homeDisk'>> => {
    if (home === undefined) return {};
    if (!(await homes.isHere(home))) {
      const state = (await driver.find(instanceId))?.state ?? 'off';
      if (state !== 'off' && state !== 'crashed') throw new DiskStoreError('failed', `The home volume that ${name} has open is gone from this host. Stop it and start it.`);
    }
    return { homeDisk: await homes.make(home) };
  };
  return {
    'fetch-image': (instanceId, { image }) => store.fetchImage(image, (percent) => onProgress(instanceId, image.sha256, percent)),
    'create-files': async (instanceId, { before, spec }) => {
      await note(instanceId, before);
      await store.createInstanceFiles(instanceId, spec);
    },
    'reserve-address': (_, { reservation }) => driver.reserveAddress(reservation),
    define: async (instanceId, { generation, spec }) => driver.define({ ...(await domainSpec(store, instanceId, generation, spec)), ...(await homeOf(instanceId, spec)) }),
    'adopt-ram': async (instanceId, { generation, spec }) => {
      // Whoever has it already, of an earlier try, does not need it from the mirror again.
      if ((await driver.find(instanceId))?.state !== 'saved') await driver.adoptRam(await domainSpec(store, instanceId, generation, spec), await store.ramFile(instanceId, spec));
      await store.ramArrived(instanceId);
    },
    'give-up-ram': (instanceId) => store.ramArrived(instanceId),
    start: async (instanceId, { before, boots }) => {
      const hadBooted = journal.state.instances.get(instanceId)?.marks.booted ?? false;
      await note(instanceId, before);
      if (boots) store.tellPhase(instanceId, 'boot');
      else if (before.up === 'yes') store.tellPhase(instanceId, 'application');
      try {
        await driver.start(instanceId);
      } catch (error) {
        if (!hadBooted && (await surelyNotStarted(driver, instanceId, error))) await note(instanceId, { booted: false });
        throw error;
      }
    },
    'resume-disk': (instanceId) => driver.resume(instanceId),
    shutdown: async (instanceId, { before }) => {
      await note(instanceId, before);
      store.tellPhase(instanceId, 'shutdown');
      await driver.shutdown(instanceId);
    },
    destroy: async (instanceId, { before }) => {
      await note(instanceId, before);
      await driver.destroy(instanceId);
    },
    pause: (instanceId) => driver.pause(instanceId),
    continue: async (instanceId, { before }) => {
      await note(instanceId, before);
      await driver.resume(instanceId);
    },
    save: (instanceId) => driver.save(instanceId),
    'send-guest': (instanceId, step) => migrations.send(instanceId, step),
    undefine: async (instanceId, { before }) => {
      await note(instanceId, before);
      await driver.undefine(instanceId);
    },
    'release-address': (_, { mac }) => driver.releaseAddress(mac),
    'remove-files': async (instanceId, { before }) => {
      await note(instanceId, before);
      const name = journal.state.instances.get(instanceId)?.spec?.name;
      if (name !== undefined) await driver.forgetLogs(instanceId, name);
      await store.removeInstanceFiles(instanceId);
    },
    note: async (instanceId, { marks }) => {
      await note(instanceId, marks);
      if (marks.up === 'yes' || marks.up === 'silent') store.tellPhase(instanceId, 'application');
    },
    'give-up': (instanceId, { generation, reason }) => note(instanceId, { failed: { generation, reason } }),
  };
}

/** A refusal is certain; a time-out is not, and an unsure start is remembered as one that happened. */
async function surelyNotStarted(driver: HypervisorDriver, instanceId: string, error: unknown): Promise<boolean> {
  if (!(error instanceof HypervisorError) || error.code === 'timeout' || error.code === 'unavailable') return false;
  const domain = await driver.find(instanceId).catch(() => undefined);
  return domain === null || domain?.state === 'off';
}

async function domainSpec(store: DiskStore, instanceId: string, generation: number, spec: InstanceSpec): Promise<DomainSpec> {
  return {
    instanceId,
    generation,
    name: spec.name,
    vcpus: spec.vcpus,
    ramMiB: spec.ramMiB,
    mac: spec.mac,
    bandwidthMbps: spec.bandwidthMbps,
    kernelArguments: spec.kernelArguments,
    files: await store.filesOf(instanceId, spec),
  };
}
