import type { ProcessorTimes } from '../driver';

/** `virsh domstats --vcpu`: of each domain, by its name, what its virtual CPUs did since QEMU was started. */
export function parseProcessorTimes(text: string): ReadonlyMap<string, ProcessorTimes> {
  const domains = text.split(/^Domain: '/m).slice(1);
  return new Map(domains.flatMap((section) => {
    const name = section.slice(0, section.indexOf("'\n"));
    const figures = [...section.matchAll(/^\s*vcpu\.\d+\.(time|delay|wait)=(\d+)$/gm)];
    const of = (figure: string): readonly number[] => figures.filter((match) => match[1] === figure).map((match) => Number(match[2]));
    const vcpus = of('time').length;
    return vcpus === 0 ? [] : [[name, { vcpus, ranNs: sum(of('time')), delayedNs: sum(of('delay')), waitedNs: sum(of('wait')) }] as const];
  }));
}

const sum = (all: readonly number[]): number => all.reduce((total, each) => total + each, 0);
