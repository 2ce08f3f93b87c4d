export interface Memory {
  readonly totalMiB: number;
  /** What can be given to a guest without swapping: MemAvailable, not MemFree. */
  readonly availableMiB: number;
}

/** Parses /proc/meminfo (proc(5)); its "kB" are KiB. Throws when MemTotal is missing: then it is not that file. */
export function parseMeminfo(text: string): Memory {
  const kiB = (name: string): number | undefined => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const total = kiB('MemTotal');
  if (total === undefined) throw new Error('/proc/meminfo has no MemTotal line');
  const available = kiB('MemAvailable') ?? kiB('MemFree') ?? 0;
  return { totalMiB: Math.floor(total / 1024), availableMiB: Math.floor(available / 1024) };
}
