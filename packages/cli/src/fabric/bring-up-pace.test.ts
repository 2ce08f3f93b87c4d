import { ApiProblem } from '@paravcl/shared/client/api-problem';
import type { HostInstall } from '@paravcl/shared/domain/host-install';
import type { Context } from '../context';
import type { ReachedMachine } from './ask-first';
import { bringUp } from './bring-up';

const address = (index: number): string => `10.0.0.${String(index)}`;
const machine = (index: number): ReachedMachine => ({ line: index, user: null, host: address(index), port: 22, shown: { address: address(index), resolved: address(index), port: 22, keyType: 'ssh-ed25519', fingerprint: 'SHA256:a', standing: 'new', sentence: '' } });
const installOf = (at: string, more: Partial<HostInstall> = {}): HostInstall => ({ ...({} as HostInstall), slaveKind: 'dedicated', preapproved: true, start: 'systemd', id: `of ${at}`, purpose: 'install', address: at, port: 22, user: 'root', name: null, state: 'running', sentence: 'Under way.', slaveId: null, steps: [], findings: [], createdByUserId: 'u', createdAt: '2026-11-30T09:00:00.000Z', endedAt: null, ...more });

/** A master that has done what it was told once it has been asked twice how that stands. */
class MasterDouble {
  readonly running = new Map<string, { install: HostInstall; asked: number }>();
  most = 0;
  lists = 0;
  single: string[] = [];
  readonly said: string[] = [];
  /** Refuses to begin at this address. */
  busy: { readonly at: string; readonly with: HostInstall } | null = null;
  private readonly ended = new Map<string, HostInstall>();

  get context(): Context {
    const say = (line: string): void => void this.said.push(line);
    const call = (key: string, asked: { readonly params?: { readonly hostInstallId: string }; readonly body?: { readonly address: string } }): Promise<unknown> => {
      if (key === 'put /fabric/types') return Promise.resolve({ types: [] });
      if (key === 'post /host-installs') return this.begin(asked.body?.address ?? '');
      if (key !== 'get /host-installs/:hostInstallId') throw new Error(`Nobody expected ${key}.`);
      const id = asked.params?.hostInstallId ?? '';
      this.single.push(id);
      return Promise.resolve(this.running.get(id)?.install ?? this.ended.get(id));
    };
    const list = (): Promise<unknown> => {
      this.lists += 1;
      const items = [...this.running.values()].map(({ install }) => install);
      for (const [id, one] of this.running) if ((one.asked += 1) === 2) this.end(id);
      return Promise.resolve({ items, next: null });
    };
    return { call, list, output: { unicode: true, say, warn: say, progress: say }, times: () => Promise.resolve({ moment: () => 'today 10:00' }) } as never;
  }

  private begin(at: string): Promise<HostInstall> {
    if (this.busy?.at === at) {
      const { id } = this.busy.with;
      this.running.set(id, { install: this.busy.with, asked: 0 });
      return Promise.reject(new ApiProblem({ status: 409, code: 'conflict', detail: `${at} is worked on already.`, hostInstallId: id }));
    }
    const install = installOf(at);
    this.running.set(install.id, { install, asked: 0 });
    this.most = Math.max(this.most, this.running.size);
    return Promise.resolve(install);
  }

  private end(id: string): void {
    const one = this.running.get(id);
    this.running.delete(id);
    if (one !== undefined) this.ended.set(id, { ...one.install, state: 'succeeded', sentence: 'It is online.' });
  }
}

const bring = (master: MasterDouble, count: number) => bringUp(master.context, { machines: Array.from({ length: count }, (_, index) => machine(index + 1)), user: 'root', credentialOf: () => ({ kind: 'password', password: 'x' }), start: 'systemd', images: [], flavors: [] }, new AbortController().signal);

describe('the machines of a fabric', () => {
  it('are eight at a time under way, and one request tells how all of them stand', async () => {
    const master = new MasterDouble();
    const { machines, failed } = await bring(master, 20);
    expect(failed).toEqual([]);
    expect(machines.map(({ address: at, state }) => [at, state])).toEqual(Array.from({ length: 20 }, (_, index) => [address(index + 1), 'succeeded']));
    expect(master.most).toBe(8);
    // Three times eight or fewer, each asked for in the end; not one by one before.
    expect(master.lists).toBeLessThanOrEqual(12);
    expect(master.single).toHaveLength(20);
  }, 30_000);

  it('are followed where they are under way already, and named where something else is done there', async () => {
    const master = new MasterDouble();
    master.busy = { at: address(1), with: installOf(address(1), { id: 'an earlier one' }) };
    expect(await bring(master, 2)).toMatchObject({ failed: [], machines: [{ id: 'an earlier one', state: 'succeeded' }, { id: `of ${address(2)}` }] });
    expect(master.said).toContain(`${address(1)}: This is under way since today 10:00 (an earlier one); here is how it goes on.`);

    const other = new MasterDouble();
    other.busy = { at: address(1), with: installOf(address(1), { id: 'a removal', purpose: 'remove' }) };
    expect((await bring(other, 1)).failed).toEqual([`${address(1)}: ${address(1)} is worked on already.`]);
  }, 30_000);
});
