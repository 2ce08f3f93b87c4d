/** The commands of docs/fabric.md, as they stand there, against a master with a host. */
import { parseJson } from '@paravcl/shared/parse-json';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { CliUser } from './cli-run';
import { cliSite, type CliSite } from './cli-site';

const manual = resolve(__dirname, '..', '..', '..', '..', 'docs', 'fabric.md');

let site: CliSite;
let user: CliUser;
let token: string;

beforeAll(async () => {
  site = await cliSite({ fabric: { enabled: true } });
  user = await CliUser.make();
  const { code, err } = await user.login(site, site.admin);
  if (code !== 0) throw new Error(err);
  ({ token } = (await user.json(['tokens', 'create', 'manual'])) as { token: string });
}, 180_000);

afterAll(async () => {
  await user.remove();
  await site.close();
}, 60_000);

/** The blocks of the manual that hold curl, with this site's address and authority in place of the example's. */
async function blocks(): Promise<readonly string[]> {
  const text = (await readFile(manual, 'utf8')).replaceAll('https://lab.example:8443', site.url).replaceAll('/var/lib/paravcl/tls/ca.crt', site.caFile);
  return [...text.matchAll(/^```\n([\s\S]*?)^```/gm)].map(([, block = '']) => block).filter((block) => block.includes('curl '));
}

it('every line of the manual does what stands behind it', async () => {
  const [types = '', calls = '', ...others] = await blocks();
  expect(others).toEqual([]);
  const env = { PATH: process.env['PATH'] ?? '', TOKEN: token };
  const sh = async (script: string): Promise<string> => (await promisify(execFile)('sh', ['-eu', '-c', script], { env })).stdout;
  expect(parseJson(await sh(types.replace('curl ', 'curl -sS ')))).toMatchObject({ types: [{ tid: 1, name: 'small' }, { tid: 2, name: 'large' }] });

  const [setting = '', ...lines] = calls.trimEnd().split('\n');
  const keysOf = (value: unknown): unknown => (typeof value === 'object' && value !== null ? Object.keys(value) : value);
  for (const line of lines) {
    const [command = '', shown = ''] = line.split(/ {2,}# /);
    // The only host of this site is the first.
    const said = parseJson(await sh(`${setting}\n${command.replace('curl ', 'curl -sS ').replace('pmid=2', 'pmid=1')}`));
    expect([command, keysOf(said)]).toEqual([command, keysOf(parseJson(shown))]);
  }
}, 60_000);
