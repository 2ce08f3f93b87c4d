import { type Clock, sleep } from '@paravcl/shared/clock';
import { ramCallMs } from '../call-limits';
import { type DiskChain, type DiskSwitch, HypervisorError, type SwitchedDisk } from '../driver';
import { chainOf, hasAgent, ownDisk, withChain } from './disk-chain';
import type { Virsh } from './virsh';
import { readXml, writeXml, type XmlElement } from './xml';

/** A guest's agent that does not bring the file systems to rest in this time keeps no snapshot waiting; libvirt counts in seconds. */
const agentSeconds = 5;
const followEveryMs = 200;

/**
 * The layers of guests' disks, by libvirt. Whose a domain is has been looked at before.
 *
 * A switch is one `virsh snapshot-create-as` for each guest, all side by side: 16 take 0.4 s on two cores, no more than 16 in
 * one process, and one that hangs keeps nobody else waiting. libvirt renews running and inactive definition.
 */
export class GuestDisks {
  constructor(
    private readonly virsh: Virsh,
    private readonly clock: Clock,
  ) {}

  async switchAll(switches: readonly DiskSwitch[]): Promise<readonly SwitchedDisk[]> {
    if (switches.length === 0) return [];
    const { sections } = await this.virsh.batch(switches.map(({ instanceId }) => dumpxml(instanceId)));
    const domains = sections.map((text) => (text === '' ? null : readXml(text)));
    const withAgent = switches.map(({ instanceId }) => instanceId).filter((_, index) => hasAgent(domains[index] ?? null));
    if (withAgent.length > 0) await this.virsh.batch(withAgent.map((uuid) => ['guest-agent-timeout', '--domain', uuid, '--timeout', String(agentSeconds)]));
    return Promise.all(
      switches.map((each, index) => {
        const domain = domains[index] ?? null;
        if (domain !== null && chainOf(domain)[0] === each.layer) return answer(each.instanceId, null, false);
        return this.switchOne(each, withAgent.includes(each.instanceId));
      }),
    );
  }

  async merge(uuid: string, top: string, base: string): Promise<void> {
    // One of an earlier process may still be at it.
    await this.untilNoJob(uuid);
    const chain = await this.chain(uuid);
    if (!chain.includes(top)) return;
    if (chain[0] === top || !(chain.indexOf(base) > chain.indexOf(top))) {
      throw new HypervisorError('wrong-state', `${top} cannot be merged into ${base}: the disk of domain ${uuid} is ${chain.join(' over ')}`);
    }
    await this.virsh.run(['blockcommit', '--domain', uuid, '--path', ownDisk, '--top', top, '--base', base, '--wait'], ramCallMs);
    if ((await this.chain(uuid)).includes(top)) throw new HypervisorError('failed', `virsh blockcommit: ${top} is part of the disk of domain ${uuid} still`);
  }

  async active(uuid: string): Promise<string | null> {
    return (await this.chain(uuid))[0] ?? null;
  }

  async redirect(uuid: string, chain: DiskChain, isSaved: boolean): Promise<void> {
    const changed = (text: string): string => writeXml(withChain(readXml(text), chain));
    await this.virsh.runWithFile(['define', '--file'], changed(await this.virsh.run(['dumpxml', '--domain', uuid, '--inactive', '--security-info'])));
    // What is restored is what the save says.
    if (isSaved) await this.virsh.runWithFile(['managedsave-define', '--domain', uuid, '--xml'], changed(await this.virsh.run(['managedsave-dumpxml', '--domain', uuid, '--security-info'])));
  }

  private async switchOne({ instanceId, layer }: DiskSwitch, hasGuestAgent: boolean): Promise<SwitchedDisk> {
    const diskspec = `${ownDisk},snapshot=external,driver=qcow2,file=${layer.replaceAll(',', ',,')}`;
    const command = ['snapshot-create-as', '--domain', instanceId, '--disk-only', '--atomic', '--no-metadata', '--reuse-external', '--diskspec', diskspec, '--diskspec', 'vdb,snapshot=no'];
    if (hasGuestAgent) {
      // libvirt thaws in the same call, whatever becomes of it and of us.
      const error = await this.failureOf([...command, '--quiesce']);
      if (error === null || isUnsure(error)) return answer(instanceId, error, true);
    }
    return answer(instanceId, await this.failureOf(command), false);
  }

  private failureOf(command: readonly string[]): Promise<HypervisorError | null> {
    return this.virsh.run(command).then(
      () => null,
      (error: unknown) => {
        if (error instanceof HypervisorError) return error;
        throw error;
      },
    );
  }

  private async chain(uuid: string): Promise<readonly string[]> {
    return chainOf(await this.domain(uuid));
  }

  private async domain(uuid: string): Promise<XmlElement> {
    return readXml(await this.virsh.run(dumpxml(uuid)));
  }

  private async untilNoJob(uuid: string): Promise<void> {
    const endMs = this.clock.monotonicMs() + ramCallMs;
    // Of no job it says nothing: `virsh --quiet blockjob D vda --info --raw`.
    while ((await this.virsh.run(['blockjob', '--domain', uuid, '--path', ownDisk, '--info', '--raw'])).trim() !== '') {
      if (this.clock.monotonicMs() > endMs) throw new HypervisorError('timeout', `a job on the disk of domain ${uuid} does not end; look at it with: virsh blockjob ${uuid} ${ownDisk}`);
      await sleep(this.clock, followEveryMs);
    }
  }
}

function dumpxml(uuid: string): readonly string[] {
  return ['dumpxml', '--domain', uuid];
}

/** Nobody knows whether it happened. */
function isUnsure({ code }: HypervisorError): boolean {
  return code === 'timeout' || code === 'unavailable';
}

function answer(instanceId: string, error: HypervisorError | null, quiesced: boolean): SwitchedDisk {
  return error === null ? { instanceId, ok: true, quiesced } : { instanceId, ok: false, error };
}
