/** The end of a command's help. */
export function examples(...commands: readonly string[]): string {
  return `\nExample${commands.length === 1 ? '' : 's'}:\n${commands.map((command) => ['  paravcl', command].join(' ')).join('\n')}`;
}
