/** Of the master: a cloud-init text is no longer. */
export const longestCloudInit = 16 * 1024;

export type CloudInitFault = 'beginning' | 'length' | 'characters';

/** What the master would refuse in a cloud-init text; null for a good one and for none. */
export function cloudInitFault(text: string): CloudInitFault | null {
  if (text.trim() === '') return null;
  if (text.split('\n', 1)[0]?.trimEnd() !== '#cloud-config') return 'beginning';
  if (text.length > longestCloudInit) return 'length';
  return /[^\P{Cc}\t\r\n]|\p{Cs}/u.test(text) ? 'characters' : null;
}
