import { ApiProblem } from './api-problem';
import { NoAnswer } from './no-answer';

/** What a fetched answer says: its JSON, its text, or nothing. Throws the master's own problem, or NoAnswer when what came is none of its answers. */
export async function answerOf(response: Pick<Response, 'ok' | 'status' | 'headers' | 'text'>): Promise<unknown> {
  if (response.status === 204) return undefined;
  const type = response.headers.get('content-type') ?? '';
  const text = await response.text();
  if (!response.ok) throw problemOf(response.status, parsed(text));
  // The master has no pages below /api: a proxy, or the login page of a network, answers in its place.
  if (type.startsWith('text/html')) throw new NoAnswer('strange');
  if (!type.startsWith('application/json')) return text;
  const body = parsed(text);
  if (body === undefined) throw new NoAnswer('strange');
  return body;
}

/** A refusal in the master's own words; NoAnswer where it came without any. */
export function problemOf(status: number, body: unknown): ApiProblem | NoAnswer {
  const isProblem = typeof body === 'object' && body !== null && 'detail' in body && typeof body.detail === 'string';
  return isProblem ? new ApiProblem({ ...(body as ConstructorParameters<typeof ApiProblem>[0]), status }) : new NoAnswer('wordless', status);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
