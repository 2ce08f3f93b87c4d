import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseJson } from '@paravcl/shared/parse-json';
import { foreignDomainSchema, siteNetworkSchema } from '@paravcl/shared/domain/slave';
import { z } from 'zod';
import { HypervisorError } from '../driver';

const simulatedDomainSchema = z.object({
  instanceId: z.string(),
  name: z.string(),
  generation: z.int(),
  slaveId: z.string(),
  vcpus: z.int(),
  ramMiB: z.int(),
  mac: z.string(),
  serialLog: z.string(),
  state: z.enum(['running', 'paused', 'migrating', 'paused-io', 'shutting-down', 'off', 'saved', 'crashed']),
  /** The guest has booted and asked for its address since it was last started afresh. */
  booted: z.boolean(),
  /** What the guest would have in its RAM alone: counts boots, kept by a save. */
  boots: z.int(),
  /** Files of its disk, from what the guest writes downwards; not told by a host of an earlier release. */
  disk: z.array(z.string()).default([]),
});
export type SimulatedDomain = Readonly<z.infer<typeof simulatedDomainSchema>>;

const hostStateSchema = z.object({
  domains: z.array(simulatedDomainSchema),
  foreign: z.array(foreignDomainSchema),
  network: siteNetworkSchema.nullable(),
  reservations: z.array(z.object({ mac: z.string(), address: z.string(), name: z.string() })),
  leases: z.array(z.string()),
});
export type HostState = z.infer<typeof hostStateSchema>;

const emptyHost: HostState = { domains: [], foreign: [], network: null, reservations: [], leases: [] };

/**
 * What a simulated host holds. With a file it survives the agent, as real guests do: written whole and
 * renamed after every change.
 */
export class SimulatedHost {
  private state: HostState;

  constructor(private readonly file: string | null = null) {
    this.state = file === null ? emptyHost : readState(file);
  }

  get current(): HostState {
    return this.state;
  }

  domain(instanceId: string): SimulatedDomain | undefined {
    return this.state.domains.find((each) => each.instanceId === instanceId);
  }

  change(change: (state: HostState) => Partial<HostState>): void {
    this.state = { ...this.state, ...change(this.state) };
    if (this.file === null) return;
    const next = `${this.file}.new`;
    writeFileSync(next, JSON.stringify(this.state), { mode: 0o600 });
    renameSync(next, this.file);
  }

  putDomain(domain: SimulatedDomain): void {
    this.change(({ domains }) => ({ domains: [...domains.filter((each) => each.instanceId !== domain.instanceId), domain] }));
  }

  removeDomain(instanceId: string): void {
    this.change(({ domains }) => ({ domains: domains.filter((each) => each.instanceId !== instanceId) }));
  }
}

/** Its guest has RAM that lives. */
export function isActive({ state }: SimulatedDomain): boolean {
  return state === 'running' || state === 'paused' || state === 'migrating' || state === 'paused-io' || state === 'shutting-down';
}

/** What to throw of a domain that is in a state to which a call does not apply. */
export function wrongState({ name, state }: SimulatedDomain, wayOut: string): HypervisorError {
  return new HypervisorError('wrong-state', `simulated: domain "pv-${name}" is ${state}; ${wayOut}`);
}

function readState(file: string): HostState {
  try {
    return hostStateSchema.parse(parseJson(readFileSync(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return emptyHost;
    throw new Error(`${file} does not hold a simulated host; delete it to start with an empty one`, { cause: error });
  }
}
