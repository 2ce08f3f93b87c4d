import { closeSync, openSync } from 'node:fs';
import { makeLog, standardOutput } from './log';

function written(write: (log: ReturnType<typeof makeLog>) => void): string {
  let text = '';
  write(makeLog('info', { write: (line: string) => (text += line) }));
  return text;
}

test('secrets are replaced at any of three depths, the rest stays', () => {
  const text = written((log) => {
    log.info({ token: 's3cret', user: { name: 'alice', password: 's3cret' }, request: { headers: { cookie: 's3cret', authorization: 's3cret', 'set-cookie': 's3cret' } } }, 'hello');
  });
  expect(text).not.toContain('s3cret');
  expect(text).toContain('"name":"alice"');
  expect(text).toContain('"msg":"hello"');
});

test('a database error is told without the statement, whose values may be secrets', () => {
  const error = Object.assign(new Error("insert into `t` values ('s3cret') - Data too long for column 'x'"), {
    sqlMessage: "Data too long for column 'x'", sql: "insert … 's3cret'", errno: 1406,
  });
  const text = written((log) => { log.error({ err: new Error('outer', { cause: error }) }, 'failed'); });
  expect(text).not.toContain('s3cret');
  expect(text).toContain("Data too long for column 'x'");
  expect(text).toContain('1406');
});

test('nor is one whose connection was lost, which has no words of the server’s', () => {
  const error = Object.assign(new Error("update `t` set `response` = 's3cret - s3cret' - Connection lost: The server closed the connection."), { code: 'PROTOCOL_CONNECTION_LOST', fatal: true });
  const text = written((log) => { log.error({ err: error }, 'failed'); });
  expect(text).not.toContain('s3cret');
  expect(text).toContain('Connection lost: The server closed the connection.');
});

test('a log whose disk is full ends nothing', () => {
  const full = openSync('/dev/full', 'w');
  const log = makeLog('info', standardOutput(full));
  for (let n = 0; n < 20_000; n += 1) log.info({ n }, 'a line that nobody can keep');
  expect(() => { log.info({}, 'one more'); }).not.toThrow();
  closeSync(full);
});
