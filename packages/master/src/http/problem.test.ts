import { problemSchema } from '@paravcl/shared/api/problem';
import { errorCodes, ParavclError, type ErrorCode } from '@paravcl/shared/errors';
import { InvalidInput } from './invalid-input';
import { problemOf, statusOfCode } from './problem';

const codes = Object.keys(errorCodes) as ErrorCode[];

test.each(codes)('%s has a status, a title and the shape of a problem', (code) => {
  const problem = problemOf(new ParavclError(code, 'The sentence.', { field: 'f', limit: 'l', retryAfterSeconds: 3 }), 'trace-1');
  expect(problemSchema.parse(problem)).toEqual(problem);
  expect(problem).toMatchObject({ status: statusOfCode[code], code, detail: 'The sentence.', field: 'f', limit: 'l', retryAfterSeconds: 3, trace: 'trace-1' });
  expect(problem.title).not.toBe('');
});

test('only faults of ours, of a slave and of time are 5xx', () => {
  expect(codes.filter((code) => statusOfCode[code] >= 500).sort()).toEqual(['internal', 'not-ready', 'slave-refused', 'storage-full', 'store-damaged', 'timeout']);
});

test('anything else that is thrown tells nothing but the trace', () => {
  for (const thrown of [new Error("ER_DUP_ENTRY: insert into `users` at /srv/x.js:3"), 'a string', undefined, Object.assign(new Error('secret'), { status: 404, expose: true })]) {
    const problem = problemOf(thrown, 'trace-2');
    expect(problem).toMatchObject({ code: 'internal', status: 500 });
    expect(JSON.stringify(problem)).not.toMatch(/users|srv|secret|a string/);
    expect(problem.detail).toContain('trace-2');
  }
});

test('every fault of an input is listed', () => {
  const problem = problemOf(new InvalidInput([{ field: 'a', limit: 'x' }, { field: 'b.0', limit: 'y' }]), 't');
  expect(problem).toMatchObject({ field: 'a', limit: 'x', faults: [{ field: 'a', limit: 'x' }, { field: 'b.0', limit: 'y' }], detail: 'a: x (and 1 more: b.0).' });
});

test('a database without room is said so, without the server’s words', () => {
  const full = Object.assign(new Error("insert into `users` … - The table 'users' is full"), { errno: 1114, code: 'ER_RECORD_FILE_FULL' });
  const noFile = Object.assign(new Error("Error writing file './p/t2.frm' (Errcode: 28 \"No space left on device\")"), { errno: 3, code: 'EE_WRITE' });
  for (const thrown of [full, noFile]) {
    const problem = problemOf(thrown, 't');
    expect(problem).toMatchObject({ code: 'storage-full', status: 507, retryAfterSeconds: 30 });
    expect(problem.detail).toMatch(/^There is no room .*free some space/i);
    expect(problem.detail).not.toMatch(/users|frm|Errcode/);
  }
  expect(problemOf(Object.assign(new Error('x'), { errno: 3, code: 'EE_WRITE' }), 't').code).toBe('internal');
});

test('a lost database is said to pass, without the server’s words', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED /run/x.sock'), { fatal: true, code: 'ECONNREFUSED' });
  const waited = Object.assign(new Error('Knex: Timeout acquiring a connection.'), { name: 'KnexTimeoutError' });
  const shutDown = Object.assign(new Error('Server shutdown in progress'), { errno: 1053, code: 'ER_SERVER_SHUTDOWN', sqlState: '08S01' });
  const killed = Object.assign(new Error('Connection was killed'), { errno: 1927, code: 'ER_CONNECTION_KILLED', sqlState: '70100' });
  for (const thrown of [refused, waited, shutDown, killed]) {
    const problem = problemOf(thrown, 't');
    expect(problem).toMatchObject({ code: 'not-ready', status: 503, retryAfterSeconds: 5 });
    expect(problem.detail).not.toMatch(/ECONN|sock|Knex/);
  }
});
