import type { RouteContract } from '@paravcl/shared/api/route';
import { roleSchema } from '@paravcl/shared/domain/people';
import { errorCodes, type ErrorCode } from '@paravcl/shared/errors';
import { reach } from '../services/policy';
import type { OpenApiDocument } from './openapi';
import { statusOfCode } from './problem';

type Schema = Readonly<Record<string, unknown>>;

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: Schema;
}

/** The API for people: one page without scripts, made from the same contracts as the OpenAPI document. */
export function docsPage(contracts: readonly RouteContract[], document: OpenApiDocument): string {
  const nouns = [...new Set(contracts.map(noun))].sort();
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>ParaVCL API</title><link rel="stylesheet" href="docs.css"></head><body>
<header><h1>ParaVCL API</h1><p>Paths are relative to <code>/api/v1</code>. For programs: <a href="openapi.json">openapi.json</a>.</p></header>
<nav>${nouns.map((name) => `<a href="#${escape(name)}">${escape(name)}</a>`).join(' ')} <a href="#errors">errors</a></nav><main>
${nouns.map((name) => `<section id="${escape(name)}"><h2>${escape(name)}</h2>${contracts.filter((contract) => noun(contract) === name).map((contract) => routeArticle(contract, document)).join('\n')}</section>`).join('\n')}
<section id="errors"><h2>errors</h2><p>Every error is <code>application/problem+json</code>; programs go by its <code>code</code>.</p>
<table><thead><tr><th>code</th><th>status</th><th>meaning</th></tr></thead><tbody>
${(Object.keys(errorCodes) as ErrorCode[]).map((code) => `<tr id="${code}"><td><code>${code}</code></td><td>${statusOfCode[code]}</td><td>${escape(errorCodes[code])}</td></tr>`).join('\n')}
</tbody></table></section></main></body></html>
`;
}

const noun = (contract: RouteContract): string => contract.path.split('/')[1] ?? '';

function routeArticle(contract: RouteContract, document: OpenApiDocument): string {
  const operation = document.paths?.[contract.path.replace(/:(\w+)/g, '{$1}')]?.[contract.method];
  const parameters = (operation?.parameters ?? []) as unknown as readonly Parameter[];
  const body = (operation?.requestBody as { content?: Record<string, { schema?: Schema }> } | undefined)?.content?.['application/json']?.schema;
  const fields = [
    ...parameters.map(({ name, in: place, required, schema }) => fieldRow(name, place, required ?? false, schema ?? {})),
    ...properties(body, document).map(([name, schema, required]) => fieldRow(name, 'body', required, schema)),
  ];
  const table = fields.length === 0 ? '' : `<table><thead><tr><th>field</th><th>in</th><th>form</th></tr></thead><tbody>${fields.join('')}</tbody></table>`;
  const stream = contract.body === 'stream' ? '<p>The body is the content itself.</p>' : '';
  return `<article><h3><b class="${contract.method}">${contract.method.toUpperCase()}</b> <code>${escape(contract.path)}</code></h3><p>${escape(contract.summary)}.</p>
<p class="who">${escape(whoMay(contract))} Answers ${contract.answer.status}.</p>${stream}${table}</article>`;
}

function whoMay({ action }: RouteContract): string {
  if (action === 'public') return 'Open to anybody.';
  if (action === 'authenticated') return 'For everybody who is logged in.';
  const parts = roleSchema.options.flatMap((role) => {
    const far = reach({ userId: '', userName: '', role, groupIds: [], ownedGroupIds: [], sessionId: '' }, action);
    return far === 'no' ? [] : [far === 'own' ? `${role} (own)` : role];
  });
  return `For ${parts.join(', ')}.`;
}

function properties(schema: Schema | undefined, document: OpenApiDocument): [string, Schema, boolean][] {
  if (schema === undefined) return [];
  const name = typeof schema['$ref'] === 'string' ? schema['$ref'].split('/').at(-1) : undefined;
  const target = name === undefined ? schema : ((document.components?.schemas?.[name] ?? {}) as Schema);
  const required = (target['required'] ?? []) as readonly string[];
  return Object.entries((target['properties'] ?? {}) as Record<string, Schema>).map(([field, inner]) => [field, inner, required.includes(field)]);
}

function fieldRow(name: string, place: string, required: boolean, schema: Schema): string {
  return `<tr><td><code>${escape(name)}</code></td><td>${escape(place)}</td><td>${required ? 'required, ' : ''}${escape(form(schema))}</td></tr>`;
}

/** A schema in a few words; the whole of it is in openapi.json. */
function form(schema: Schema): string {
  const { type, format, pattern, default: standard } = schema;
  if (Array.isArray(schema['enum'])) return schema['enum'].map(String).join(' | ') + (standard === undefined ? '' : `, else ${JSON.stringify(standard)}`);
  const choices = (schema['anyOf'] ?? schema['oneOf']) as readonly Schema[] | undefined;
  const what = choices === undefined ? [type ?? 'object'].flat().join(' or ') : choices.map(form).join(' or ');
  const bounds = [
    ['from', schema['minimum']],
    ['to', schema['maximum']],
    ['at least characters:', schema['minLength']],
    ['at most characters:', schema['maxLength']],
    ['at most items:', schema['maxItems']],
    ['else', standard === undefined ? undefined : JSON.stringify(standard)],
  ].flatMap(([word, value]) => (value === undefined || value === Number.MAX_SAFE_INTEGER || value === Number.MIN_SAFE_INTEGER ? [] : [`${String(word)} ${String(value)}`]));
  return [what, ...(typeof format === 'string' ? [format] : typeof pattern === 'string' && pattern.length < 60 ? [pattern] : []), ...bounds].join(', ');
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

export const docsStyle = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 62rem; margin: 0 auto; padding: 1rem; }
nav { position: sticky; top: 0; padding: .5rem 0; background: Canvas; border-bottom: 1px solid GrayText; }
nav a { margin-right: .75rem; }
article { border-top: 1px solid color-mix(in srgb, GrayText 40%, Canvas); padding: .5rem 0 1rem; }
h3 { margin: .5rem 0; font-weight: 500; }
h3 b { display: inline-block; min-width: 4.5rem; font-size: .85rem; }
section[id], tr[id] { scroll-margin-top: 4rem; }
tr:target { outline: 2px solid Highlight; }
p { margin: .25rem 0; } .who { color: GrayText; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; margin-top: .5rem; }
th, td { text-align: left; vertical-align: top; padding: .15rem .75rem .15rem 0; }
td { overflow-wrap: anywhere; }
`;
