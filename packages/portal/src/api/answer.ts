import { ownWords } from '../language/spoken';
import { ApiProblem } from './problem';

/** What a fetched answer says: its JSON, its text, or nothing. Throws the master's own problem, or that what came is none of its answers. */
export async function answerOf(response: Pick<Response, 'ok' | 'status' | 'headers' | 'text'>): Promise<unknown> {
  if (response.status === 204) return undefined;
  const type = response.headers.get('content-type') ?? '';
  const text = await response.text();
  if (!response.ok) throw problemOf(response.status, parsed(text));
  // The master has no pages below /api: a proxy, or the login page of a network, answers in its place.
  if (type.startsWith('text/html')) throw strange();
  if (!type.startsWith('application/json')) return text;
  const body = parsed(text);
  if (body === undefined) throw strange();
  return body;
}

/** A refusal in the master's own words, or in ours where it came without any. */
export function problemOf(status: number, body: unknown): ApiProblem {
  const t = ownWords();
  const isProblem = typeof body === 'object' && body !== null && 'detail' in body && typeof body.detail === 'string';
  return new ApiProblem(isProblem ? { ...(body as ConstructorParameters<typeof ApiProblem>[0]), status } : { status, detail: t('shell:problem.wordless', { status }) });
}

function strange(): ApiProblem {
  const t = ownWords();
  return new ApiProblem({ status: 0, detail: t('shell:problem.strange') });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
