/** MiB free, of what `df -Pk DIRECTORY` says (POSIX: name, size, used, available); null when it says something else. */
export function freeMiB(said: string): number | null {
  const [, kiB] = /\n\S+\s+\d+\s+\d+\s+(\d+)/.exec(said) ?? [];
  return kiB === undefined ? null : Math.floor(Number(kiB) / 1024);
}
