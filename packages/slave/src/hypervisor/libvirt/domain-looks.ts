import { HypervisorError } from '../driver';
import type { ArrivedRam } from './arrived-ram';
import { type DomainFacts, factsCommands, readFacts } from './domain-facts';
import type { Virsh } from './virsh';
import { virshError } from './virsh-failure';

const domainsPerBatch = 50;
const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Looks at domains. A domain of which nothing is said is gone only where libvirt says so: else it could not say, and the look
 * fails, for a guest that runs must not pass for one that is off.
 */
export class DomainLooks {
  /** Events name domains; filled by every look. A name not in it yields an event for nobody in particular. */
  readonly idsByName = new Map<string, string>();

  constructor(
    private readonly virsh: Virsh,
    private readonly arrived: Pick<ArrivedRam, 'all'>,
  ) {}

  /** Null when there is no such domain. Throws `unknown-domain` for what is no id. */
  async one(instanceId: string): Promise<DomainFacts | null> {
    return (await this.also(instanceId, [])).facts;
  }

  /** The facts of one domain and what `also` prints, in one process. */
  async also(instanceId: string, also: readonly string[]): Promise<{ readonly facts: DomainFacts | null; readonly rest: string }> {
    if (!uuidPattern.test(instanceId)) throw new HypervisorError('unknown-domain', `${JSON.stringify(instanceId.slice(0, 60))} is no UUID`);
    const commands = factsCommands(instanceId);
    const { sections, stderr } = await this.virsh.batch(also.length === 0 ? commands : [...commands, also]);
    const facts = readFacts(sections, await this.arrived.all());
    if (facts === null) requireGone(stderr);
    else this.idsByName.set(facts.name, facts.uuid);
    return { facts, rest: sections[commands.length] ?? '' };
  }

  async all(): Promise<readonly DomainFacts[]> {
    const uuids = (await this.virsh.run(['list', '--all', '--uuid'])).split('\n').map((line) => line.trim()).filter((line) => line !== '');
    const found = [...(await this.each(uuids)).values()];
    this.idsByName.clear();
    for (const facts of found) this.idsByName.set(facts.name, facts.uuid);
    return found;
  }

  /** Those of them that are there. */
  async each(uuids: readonly string[]): Promise<ReadonlyMap<string, DomainFacts>> {
    const found = new Map<string, DomainFacts>();
    for (let from = 0; from < uuids.length; from += domainsPerBatch) {
      const batch = uuids.slice(from, from + domainsPerBatch).map(factsCommands);
      const { sections, stderr } = await this.virsh.batch(batch.flat());
      const arrived = await this.arrived.all();
      let at = 0;
      for (const commands of batch) {
        const facts = readFacts(sections.slice(at, (at += commands.length)), arrived);
        if (facts === null) requireGone(stderr);
        else found.set(facts.uuid, facts);
      }
    }
    return found;
  }
}

function requireGone(stderr: string): void {
  const error = virshError('dominfo', stderr);
  if (error.code !== 'unknown-domain') throw error;
}
