import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '@paravcl/shared/ids';
import type { LabHost } from '../lab/lab-host';

/**
 * Puts a domain on the host that is not ParaVCL's, paused for ever: what somebody who lends a machine may have on
 * it. Answers its UUID.
 */
export async function plantForeignDomain(host: LabHost): Promise<string> {
  const id = newId(Date.now());
  const file = join(host.options.directory, 'somebody-elses.xml');
  await writeFile(file, `<domain type="qemu"><name>somebody-elses</name><uuid>${id}</uuid><memory unit="MiB">16</memory><os><type>hvm</type></os></domain>`);
  await host.evidence.virsh('create', '--paused', '--', file);
  return id;
}
