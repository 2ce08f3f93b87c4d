/** What /proc/cpuinfo tells of the processor. */
export interface Processor {
  readonly model: string;
  readonly flags: readonly string[];
  /** Real cores: distinct pairs of socket and core id; as many as threads where the kernel does not tell. */
  readonly cores: number;
  readonly threads: number;
}

/** Parses /proc/cpuinfo (proc(5)): blocks of `name : value` lines, one block a thread. x86 and arm64. */
export function parseCpuinfo(text: string): Processor {
  const blocks = text
    .split(/\n\s*\n/)
    .map(
      (block) =>
        new Map(
          block.split('\n').flatMap((line) => {
            const at = line.indexOf(':');
            return at < 0 ? [] : [[line.slice(0, at).trim(), line.slice(at + 1).trim()] as const];
          }),
        ),
    )
    .filter((block) => block.has('processor'));
  const first = blocks[0];
  const places = blocks.map((block) => {
    const core = block.get('core id');
    return core === undefined ? undefined : `${block.get('physical id') ?? '0'}/${core}`;
  });
  const threads = Math.max(1, blocks.length);
  return {
    model: (first?.get('model name') ?? first?.get('CPU part') ?? 'unknown').replace(/\s+/g, ' ').slice(0, 200),
    flags: (first?.get('flags') ?? first?.get('Features') ?? '').split(/\s+/).filter((flag) => flag !== '' && flag.length <= 40).slice(0, 400),
    cores: places.some((place) => place === undefined) || places.length === 0 ? threads : new Set(places).size,
    threads,
  };
}
