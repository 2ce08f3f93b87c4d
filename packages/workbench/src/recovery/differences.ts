import type { BookedInstance, Books, HostPicture } from './pictures';

/**
 * Everything in which books and hosts do not agree, or that has not come to its end: a sentence each. Empty
 * when the site rests and is whole. While faults are injected this is never empty; after them it must become so.
 *
 * @param foreign ids of domains that are not ours, and must still be there
 */
export function differences(books: Books, hosts: readonly HostPicture[], foreign: ReadonlySet<string>): readonly string[] {
  const hostOf = new Map(hosts.map((host) => [host.slaveId, host]));
  return [
    ...books.slaves.filter(({ liveness }) => liveness !== 'online').map(({ name, liveness }) => `Slave ${name} is ${liveness}.`),
    ...books.instances.flatMap((instance) => [...notAtItsEnd(instance), ...notAsBooked(instance, hostOf)]),
    ...books.operations
      .filter(({ state }) => state === 'pending')
      .map(({ id, kind, instanceId, sentence }) => `Operation ${id} (${kind} of ${instanceId}) is pending: ${sentence}.`),
    ...wrongPlacements(books),
    ...wrongAddresses(books),
    ...hosts.flatMap((host) => strays(host, books, foreign)),
    ...missingForeign(hosts, foreign),
  ];
}

const titled = ({ name, id }: BookedInstance): string => `Instance ${name} (${id})`;

function notAtItsEnd(instance: BookedInstance): readonly string[] {
  const { desired, observed, generation, observedGeneration, reasonSentence } = instance;
  if (observed === 'failed') return reasonSentence === null ? [`${titled(instance)} failed, and nothing says why.`] : [];
  const answered = observed === 'deleted' || observedGeneration === generation;
  if (observed === desired && answered) return [];
  const waits = answered ? '' : ` (generation ${String(generation)}, answered ${String(observedGeneration)})`;
  return [`${titled(instance)} should be ${desired} and is ${observed}${waits}${reasonSentence === null ? '' : `: ${reasonSentence}`}`];
}

/** Of what failed nothing runs; and of a launch that never came to run, its host keeps nothing at all. */
function leftByFailed(instance: BookedInstance, host: HostPicture): readonly string[] {
  const { id, name, booted, mac } = instance;
  const domain = host.domains.find((known) => known.id === id);
  const kept = booted
    ? domain === undefined || domain.state === 'shut off'
      ? []
      : [`the domain ${domain.name}, ${domain.state}`]
    : [
        ...(domain === undefined ? [] : [`the domain ${domain.name}, ${domain.state}`]),
        ...host.files.filter((file) => file.startsWith(`instances/${id}`)),
        ...host.saves.filter((save) => save === `pv-${name}.save`),
        ...host.dhcp.filter((entry) => entry.mac === mac).map(({ address }) => `the DHCP entry of ${address}`),
      ];
  return kept.length === 0 ? [] : [`${titled(instance)} failed, but ${host.name} keeps ${kept.join(', ')}.`];
}

/** Whether the host that holds it shows the domain as the books have it. */
function notAsBooked(instance: BookedInstance, hostOf: ReadonlyMap<string, HostPicture>): readonly string[] {
  const { id, observed, desired, slaveId, booted, mac, address } = instance;
  const host = slaveId === null ? undefined : hostOf.get(slaveId);
  if (observed === 'failed' && host !== undefined) return leftByFailed(instance, host);
  if (observed !== desired || observed === 'deleted') return [];
  if (host === undefined) return [`${titled(instance)} is ${observed} on no host.`];
  const domain = host.domains.find((known) => known.id === id);
  const off = domain === undefined || domain.state === 'shut off';
  const shown = domain === undefined ? 'has no domain of it' : `calls its domain ${domain.state}${domain.saved ? ' with its RAM saved' : ''}`;
  const found: string[] = [];
  const right = { running: domain?.state === 'running', suspended: off && domain?.saved === true, stopped: off && domain?.saved !== true }[observed as 'running' | 'suspended' | 'stopped'];
  if (!right) found.push(`${titled(instance)} is ${observed} in the books, but ${host.name} ${shown}.`);
  // One that was stopped before its guest ever ran has no disk yet; its start makes it.
  if (booted && !host.files.includes(`instances/${id}/overlay.qcow2`)) found.push(`${titled(instance)} is ${observed}, but ${host.name} has no overlay of it.`);
  const entry = host.dhcp.find((known) => known.mac === mac);
  if (observed === 'running' && entry?.address !== address) found.push(`${titled(instance)} runs at ${String(address)}, but ${host.name} reserves ${entry?.address ?? 'nothing'} for ${String(mac)}.`);
  return found;
}

function wrongPlacements(books: Books): readonly string[] {
  const found: string[] = [];
  for (const { instanceId, slaveId, state } of books.placements) {
    if (state === 'cleaning') found.push(`Slave ${slaveId} still owes the proof that nothing of instance ${instanceId} remains.`);
  }
  for (const instance of books.instances) {
    const active = books.placements.filter(({ instanceId, state }) => instanceId === instance.id && state === 'active');
    const expected = instance.observed !== 'deleted' && instance.slaveId !== null ? [instance.slaveId] : [];
    const held = active.map(({ slaveId }) => slaveId);
    if (held.join() !== expected.join()) found.push(`${titled(instance)} is ${instance.observed} on ${expected.join() || 'no slave'}, but is placed on ${held.join(' and ') || 'none'}.`);
  }
  return found;
}

function wrongAddresses(books: Books): readonly string[] {
  const found: string[] = [];
  const byId = new Map(books.instances.map((instance) => [instance.id, instance]));
  for (const { address, instanceId } of books.addresses) {
    const instance = byId.get(instanceId);
    if (instance === undefined || instance.observed === 'deleted') found.push(`Address ${address} is kept for instance ${instanceId}, which is gone.`);
  }
  for (const instance of books.instances) {
    if (instance.observed === 'deleted') continue;
    const row = books.addresses.find(({ instanceId }) => instanceId === instance.id);
    if (row?.address !== instance.address || row?.mac !== instance.mac) {
      found.push(`${titled(instance)} has the address ${String(instance.address)}, but the pool gave it ${row?.address ?? 'none'}.`);
    }
  }
  return found;
}

/** What a host has and should not: of instances that are gone, that are another host's, or that nobody knows. */
function strays(host: HostPicture, books: Books, foreign: ReadonlySet<string>): readonly string[] {
  const here = books.instances.filter(({ observed, slaveId }) => observed !== 'deleted' && slaveId === host.slaveId);
  const ids = new Set(here.map(({ id }) => id));
  const macs = new Set(here.map(({ mac }) => mac));
  const saved = new Set(here.filter(({ observed }) => observed === 'suspended' || observed === 'failed').map(({ name }) => `pv-${name}.save`));
  const found: string[] = [];
  for (const { id, name } of host.domains) if (!ids.has(id) && !foreign.has(id)) found.push(`${host.name} has the domain ${name} (${id}), which should not be there.`);
  for (const file of host.files) {
    const [top, name, ...deeper] = file.split('/');
    if (top === 'instances' && name !== undefined && deeper.length === 0 && !ids.has(name)) found.push(`${host.name} keeps the files ${file}, which belong to nothing there.`);
    if (/^mirror\/images\/\.doomed-[^/]+$/.test(file)) found.push(`${host.name} keeps ${file}, an image that was half removed.`);
  }
  for (const save of host.saves) if (!saved.has(save)) found.push(`${host.name} keeps the saved RAM ${save}, which belongs to nothing suspended there.`);
  for (const { mac, address } of host.dhcp) if (!macs.has(mac)) found.push(`${host.name} reserves ${address} by DHCP for ${mac}, which is no instance's there.`);
  for (const mac of host.leases) if (!macs.has(mac)) found.push(`${host.name} keeps a DHCP lease of ${mac}, which is no instance's there.`);
  return found;
}

function missingForeign(hosts: readonly HostPicture[], foreign: ReadonlySet<string>): readonly string[] {
  const seen = new Set(hosts.flatMap(({ domains }) => domains.map(({ id }) => id)));
  return [...foreign].filter((id) => !seen.has(id)).map((id) => `The foreign domain ${id} is gone, and nobody may touch it.`);
}
