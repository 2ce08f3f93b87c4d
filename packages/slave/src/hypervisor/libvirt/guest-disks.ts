import { type Clock, sleep } from '@paravcl/shared/clock';
import { ramCallMs } from '../call-limits';
import { type DiskChain, type DiskSwitch, HypervisorError, type SwitchedDisk } from '../driver';
import { chainOf, hasAgent, hasHome, ownDisk, withChain } from './disk-chain';
import { homeTarget } from './domain-xml';
import { fitsBatch, type Virsh } from './virsh';
import { readXml, writeXml, type XmlElement } from './xml';

/** A guest's agent that does not bring the file systems to rest in this time keeps no snapshot waiting; libvirt counts in seconds. */
const agentSeconds = 5;
const followEveryMs = 200;
const thawEveryMs = 2000;
/** A guest that brings a busy disk to rest takes minutes at worst. */
const mostThaws = 150;
/** In one process; further ones run beside it. */
const switchesPerProcess = 16;

type AskedSwitch = DiskSwitch & { readonly hasHome: boolean };

/**
 * The layers of guests' disks, by libvirt. Whose a domain is has been looked at before.
 *
 * A switch is one `virsh snapshot-create-as`, of several guests in one process: 16 took 0.3 s so on two idle cores and 0.6 s on
 * busy ones, 0.4 s and 1.3 s in a process each. libvirt renews running and inactive definition. Whom that did not switch
 * is switched in a process of its own, which tells why it was not; so is a guest with an agent, which may take its time.
 */
export class GuestDisks {
  constructor(
    private readonly virsh: Virsh,
    private readonly clock: Clock,
  ) {}

  async switchAll(switches: readonly DiskSwitch[]): Promise<readonly SwitchedDisk[]> {
    if (switches.length === 0) return [];
    const domains = await this.domains(switches);
    const isDone = ({ instanceId, layer }: DiskSwitch): boolean => writes(domains.get(instanceId), layer);
    const listens = ({ instanceId }: DiskSwitch): boolean => hasAgent(domains.get(instanceId));
    const wanted = switches.filter((each) => !isDone(each));
    const asked = (each: DiskSwitch): AskedSwitch => ({ ...each, hasHome: hasHome(domains.get(each.instanceId)) });
    const quiet = wanted.filter(listens).map(asked);
    if (quiet.length > 0) await this.virsh.batch(quiet.map(({ instanceId }) => ['guest-agent-timeout', '--domain', instanceId, '--timeout', String(agentSeconds)]));
    const silent = wanted.filter((each) => !listens(each)).map(asked);
    const [plain, odd] = [silent.filter((each) => fitsBatch(diskspec(each.layer))), silent.filter((each) => !fitsBatch(diskspec(each.layer)))];
    const groups = Array.from({ length: Math.ceil(plain.length / switchesPerProcess) }, (_, group) => plain.slice(group * switchesPerProcess, (group + 1) * switchesPerProcess));
    const answers = await Promise.all([...groups.map((group) => this.switchGroup(group)), ...quiet.map(async (each) => [await this.switchOne(each, true)]), ...odd.map(async (each) => [await this.switchOne(each, false)])]);
    const byId = new Map(answers.flat().map((each) => [each.instanceId, each]));
    return switches.map(({ instanceId }) => byId.get(instanceId) ?? answer(instanceId, null, false));
  }

  async merge(uuid: string, base: string, over: readonly string[]): Promise<void> {
    const top = over.at(-1);
    if (top === undefined) return;
    // One of an earlier process may still be at it.
    await this.untilNoJob(uuid);
    const chain = await this.chain(uuid);
    if (chain.includes(top)) {
      if (chain[0] === top || !(chain.indexOf(base) > chain.indexOf(top))) {
        throw new HypervisorError('wrong-state', `${top} cannot be merged into ${base}: the disk of domain ${uuid} is ${chain.join(' over ')}`);
      }
      await this.virsh.run(['blockcommit', '--domain', uuid, '--path', ownDisk, '--top', top, '--base', base, '--wait'], ramCallMs);
    }
    // Both: what runs, and what is started after the host's power was gone.
    const named = [...(await this.chain(uuid)), ...(await this.chain(uuid, '--inactive'))];
    const left = over.filter((layer) => named.includes(layer));
    if (left.length > 0) throw new HypervisorError('wrong-state', `after the merge into ${base} the disk of domain ${uuid} still lies on ${left.join(' and ')}`);
  }

  async redirect(uuid: string, chain: DiskChain, isSaved: boolean): Promise<void> {
    const changed = (text: string): string => writeXml(withChain(readXml(text), chain));
    // What is restored is what the save says. The definition comes last: by it one sees that all is done.
    if (isSaved) await this.virsh.runWithFile(['managedsave-define', '--domain', uuid, '--xml'], changed(await this.virsh.run(['managedsave-dumpxml', '--domain', uuid, '--security-info'])));
    await this.virsh.runWithFile(['define', '--file'], changed(await this.virsh.run(['dumpxml', '--domain', uuid, '--inactive', '--security-info'])));
  }

  /** From what its guest writes downwards; with `--inactive` of what is started next. */
  async chain(uuid: string, ...of: readonly '--inactive'[]): Promise<readonly string[]> {
    return chainOf(readXml(await this.virsh.run([...dumpxml(uuid), ...of])));
  }

  /** In one process, in which nobody tells whose each complaint is: what came of it is looked at. */
  private async switchGroup(switches: readonly AskedSwitch[]): Promise<readonly SwitchedDisk[]> {
    await this.virsh.batch(switches.map(switchCommand)).catch(() => undefined);
    const domains = await this.domains(switches).catch(() => new Map<string, XmlElement>());
    return Promise.all(switches.map((each) => (writes(domains.get(each.instanceId), each.layer) ? answer(each.instanceId, null, false) : this.switchOne(each, false))));
  }

  private async switchOne(each: AskedSwitch, hasGuestAgent: boolean): Promise<SwitchedDisk> {
    const { instanceId, layer } = each;
    const command = switchCommand(each);
    const isDone = async (): Promise<boolean> => (await this.chain(instanceId).catch(() => []))[0] === layer;
    if (await isDone()) return answer(instanceId, null, false);
    if (hasGuestAgent) {
      const error = await this.failureOf([...command, '--quiesce']);
      if (error === null) return answer(instanceId, null, true);
      void this.thaw(instanceId);
      if (isUnsure(error)) return answer(instanceId, error, true);
      // It may be the thaw alone that failed.
      if (await isDone()) return answer(instanceId, null, true);
    }
    return answer(instanceId, await this.failureOf(command), false);
  }

  /**
   * libvirt thaws in the call that froze, unless it gave up on the freeze, which the guest may come to the end of later, or died.
   * Thawing what is not frozen does nothing, so the agent is asked until it answers that it did, or its domain is gone: it
   * may start anew in its guest, libvirt may be away, and a guest that is saved goes on frozen.
   */
  private async thaw(uuid: string): Promise<void> {
    for (let asked = 0; asked < mostThaws; asked += 1) {
      const error = await this.failureOf(['domfsthaw', '--domain', uuid]).catch((fault: unknown) => fault);
      if (error === null || (error instanceof HypervisorError && error.code === 'unknown-domain')) return;
      await sleep(this.clock, thawEveryMs);
    }
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

  /** Without those that are not there. */
  private async domains(switches: readonly DiskSwitch[]): Promise<ReadonlyMap<string, XmlElement>> {
    const { sections } = await this.virsh.batch(switches.map(({ instanceId }) => dumpxml(instanceId)));
    return new Map(switches.flatMap(({ instanceId }, index) => (sections[index] === undefined || sections[index] === '' ? [] : [[instanceId, readXml(sections[index])] as const])));
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

function writes(domain: XmlElement | undefined, layer: string): boolean {
  return domain !== undefined && chainOf(domain)[0] === layer;
}

/** A disk that is not named would get a layer of its own, and one that is named has to be there. */
function switchCommand({ instanceId, layer, hasHome }: AskedSwitch): readonly string[] {
  const others = ['vdb', ...(hasHome ? [homeTarget] : [])].flatMap((device) => ['--diskspec', `${device},snapshot=no`]);
  return ['snapshot-create-as', '--domain', instanceId, '--disk-only', '--atomic', '--no-metadata', '--reuse-external', '--diskspec', diskspec(layer), ...others];
}

function diskspec(layer: string): string {
  return `${ownDisk},snapshot=external,driver=qcow2,file=${layer.replaceAll(',', ',,')}`;
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
