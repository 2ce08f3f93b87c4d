import { ParavclError } from '@paravcl/shared/errors';
import { isMap, parseDocument } from 'yaml';

/**
 * Throws `invalid-input` unless the text is one YAML mapping, with where the fault is. Nothing of it is followed or
 * resolved: what it means is the guest's business. Its first line and length are its schema's.
 */
export function requireCloudConfig(text: string): void {
  const document = parseDocument(text, { logLevel: 'error', uniqueKeys: true });
  const [fault] = document.errors;
  if (fault === undefined && isMap(document.contents)) return;
  const where = fault === undefined ? 'it is no mapping of keys to values' : fault.message.split('\n', 1)[0]?.replace(/[:.]$/, '');
  throw new ParavclError('invalid-input', `The cloud-init text cannot be read by a guest: ${where ?? 'it is no YAML'}. Check it with "cloud-init schema --config-file".`, { field: 'cloudInit', limit: '#cloud-config and a YAML mapping' });
}
