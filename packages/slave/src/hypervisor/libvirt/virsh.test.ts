import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Virsh } from './virsh';

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'virsh-'))));
afterEach(() => rm(directory, { recursive: true }));

/** A virsh that says this and ends so. */
async function virshThat(stderr: string, exitCode: number): Promise<Virsh> {
  const binary = join(directory, 'virsh');
  await writeFile(binary, `#!/bin/sh\necho '${stderr}' >&2\nexit ${exitCode}\n`);
  await chmod(binary, 0o755);
  return new Virsh({ binary, uri: 'test:///default', timeoutMs: 5000 });
}

test('a batch of one command that no hypervisor heard answers nothing, not that there is nothing', async () => {
  const virsh = await virshThat('error: failed to connect to the hypervisor', 1);
  await expect(virsh.batch([['dumpxml', '--domain', 'x']])).rejects.toMatchObject({ code: 'unavailable' });
});

test('one that was heard and refused answers an empty section and the words', async () => {
  const virsh = await virshThat('error: failed to get domain x', 1);
  expect(await virsh.batch([['dumpxml', '--domain', 'x']])).toEqual({ sections: [''], stderr: 'error: failed to get domain x\n' });
});
