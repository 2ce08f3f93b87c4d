import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HistoryWriter, requestsOf } from './history';

const asked = { kind: 'invoke', client: 'ada', ask: 'stop', instanceId: 'i', key: 'k', mustBeRefused: false } as const;

test('repetitions under one key are one request, with all its answers', () => {
  const history = new HistoryWriter(null);
  history.write({ call: 1, again: null, ...asked });
  history.write({ call: 1, kind: 'unknown', why: 'reset' });
  history.write({ call: 2, again: 1, ...asked });
  history.write({ call: 2, kind: 'ok', instanceId: 'i', operationId: 'o' });
  history.write({ call: 3, again: null, ...asked, key: 'other' });
  history.write({ call: 3, kind: 'fail', code: 'conflict', sentence: 'It is off.' });
  expect(requestsOf(history.lines)).toMatchObject([
    { call: 1, key: 'k', unknown: 1, ok: [{ operationId: 'o' }], failed: [] },
    { call: 3, key: 'other', unknown: 0, ok: [], failed: [{ code: 'conflict' }] },
  ]);
});

test('every line is in the file before anything else happens', async () => {
  const home = await mkdtemp(join(tmpdir(), 'history-'));
  try {
    const history = new HistoryWriter(join(home, 'history.jsonl'));
    history.write({ call: history.newCall(), again: null, ...asked });
    expect(JSON.parse(await readFile(join(home, 'history.jsonl'), 'utf8'))).toMatchObject({ call: 1, ...asked, ms: expect.any(Number), utc: expect.any(String) });
    history.close();
  } finally {
    await rm(home, { recursive: true });
  }
});
