import { speakBy } from '../language/spoken';
import { call, whenLoggedOut } from './call';
import { ApiProblem } from '@paravcl/shared/client/api-problem';

let asked: Request[];
/** Answers every request with this. */
const answers = (make: () => Response | Promise<Response>): void => {
  globalThis.fetch = (address, init) => {
    asked.push(new Request(new URL(String(address), 'https://lab.example'), init as RequestInit));
    return Promise.resolve().then(make);
  };
};
const json = (body: unknown, status = 200): Response => new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });
const problemOf = (asking: Promise<unknown>): Promise<ApiProblem> =>
  asking.then(
    () => Promise.reject(new Error('It was answered.')),
    (error: unknown) => (error instanceof ApiProblem ? error : Promise.reject(error as Error)),
  );

beforeEach(() => {
  asked = [];
  speakBy((key, blanks) => `${key} ${JSON.stringify(blanks ?? {})}`);
});

describe('a call of the master', () => {
  it('bears an Idempotency-Key where it is given one', async () => {
    answers(() => json({ items: [] }));
    await call('post /groups/:groupId/roster', { params: { groupId: 'g' }, body: { csv: '', apply: false } });
    await call('post /groups/:groupId/roster', { params: { groupId: 'g' }, body: { csv: '', apply: true } }, { key: 'k' });
    expect(asked.map(({ headers }) => headers.get('idempotency-key'))).toEqual([null, 'k']);
  });

  it('says the sentence of a refusal', async () => {
    answers(() => json({ status: 409, code: 'conflict', detail: 'It runs.' }, 409));
    expect(await problemOf(call('get /me', {}))).toMatchObject({ status: 409, message: 'It runs.' });
  });

  it('says in our words that a proxy answered in the place of the master', async () => {
    const page = (status: number) => () => new Response('<html>Bad gateway</html>', { status, headers: { 'content-type': 'text/html' } });
    answers(page(502));
    expect(await problemOf(call('get /me', {}))).toMatchObject({ status: 502, message: 'shell:problem.wordless {"status":502}' });
    answers(page(200));
    expect(await problemOf(call('get /me', {}))).toMatchObject({ status: 0, message: 'shell:problem.strange {}' });
    answers(() => new Response('{"user":', { headers: { 'content-type': 'application/json' } }));
    expect(await problemOf(call('get /me', {}))).toMatchObject({ status: 0, message: 'shell:problem.strange {}' });
  });

  it('says that the master cannot be reached, also when the answer breaks off', async () => {
    answers(() => Promise.reject(new TypeError('failed to fetch')));
    expect(await problemOf(call('get /me', {}))).toMatchObject({ status: 0, message: 'shell:problem.unreachable {}' });
    answers(() => new Response(new ReadableStream({ start: (stream) => stream.error(new DOMException('over', 'TimeoutError')) }), { headers: { 'content-type': 'application/json' } }));
    expect(await problemOf(call('get /me', {}))).toMatchObject({ status: 0, message: 'shell:problem.unreachable {}' });
  });

  it('tells that the session has ended, not to who asks for the session itself', async () => {
    let ended = 0;
    whenLoggedOut(() => (ended += 1));
    answers(() => json({ status: 401, detail: 'Log in.' }, 401));
    await problemOf(call('get /me', {}));
    expect(ended).toBe(0);
    await problemOf(call('get /instances', {}));
    expect(ended).toBe(1);
  });
});
