import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { RouteContract } from '@paravcl/shared/api/route';
import { openApiDocument } from './openapi';

const shared = join(__dirname, '..', '..', '..', 'shared', 'src');
const file = join(shared, 'client', 'openapi.ts');

function isContract(value: unknown): value is RouteContract {
  return typeof value === 'object' && value !== null && 'method' in value && 'path' in value && 'answer' in value;
}

/** Every route of the API, from the files that say them. */
async function contracts(): Promise<readonly RouteContract[]> {
  const names = readdirSync(join(shared, 'api')).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  const files = await Promise.all(names.sort().map((name) => import(join(shared, 'api', name)) as Promise<Record<string, unknown>>));
  return files.flatMap((exported) => Object.values(exported).filter(isContract));
}

/** A record whose names are a closed list has just these properties: the generator does not read `propertyNames`. */
function spellRecords(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(spellRecords);
  if (typeof node !== 'object' || node === null) return node;
  const spelt: Record<string, unknown> = Object.fromEntries(Object.entries(node).map(([name, value]) => [name, spellRecords(value)]));
  const { propertyNames, additionalProperties, ...rest } = spelt as { propertyNames?: { enum?: string[] }; additionalProperties?: unknown };
  return propertyNames?.enum === undefined ? spelt : { ...rest, properties: Object.fromEntries(propertyNames.enum.map((name) => [name, additionalProperties])) };
}

/** A program of its own, because it is made of modules that jest cannot load. */
const generator = join(dirname(require.resolve('openapi-typescript/package.json')), 'bin', 'cli.js');

test('the types of the client are what the OpenAPI document says (written by npm run api-types)', async () => {
  const all = await contracts();
  expect(all.length).toBeGreaterThan(100);
  const directory = mkdtempSync(join(tmpdir(), 'paravcl-api-types-'));
  try {
    const [document, types] = [join(directory, 'openapi.json'), join(directory, 'openapi.ts')];
    writeFileSync(document, JSON.stringify(spellRecords(JSON.parse(JSON.stringify(openApiDocument(all))))));
    execFileSync(process.execPath, [generator, document, '--output', types, '--export-type', '--alphabetize'], { env: { ...process.env, NO_COLOR: '1' }, stdio: 'pipe' });
    if (process.env.PARAVCL_WRITE_API_TYPES === '1') copyFileSync(types, file);
    // Not `toBe`: ten thousand lines would be told, and the way out is one command.
    expect(readFileSync(file, 'utf8') === readFileSync(types, 'utf8')).toBe(true);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
