import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { ParavclError } from '../errors';
import { parseJson } from '../parse-json';
import { agentFrameSchema } from './agent-to-master';
import { decodeAgentFrame, decodeMasterFrame, encodeFrame } from './envelope';
import { masterFrameSchema } from './master-to-agent';

/** All frames of version 1; of a later version those it changed. */
const fixtures = ['v1', 'v2', 'v3', 'v4', 'v5', 'v6', 'v7', 'v8', 'v9'].flatMap((version) => {
  const directory = join(__dirname, 'fixtures', version);
  return readdirSync(directory).map((file) => ({ version, file, text: readFileSync(join(directory, file), 'utf8') }));
});
const typesOf = (schema: { options: readonly { shape: { type: { value: string } } }[] }) => schema.options.map((o) => o.shape.type.value);

test('every frame of version 1 has a golden fixture', () => {
  const named = fixtures.filter(({ version }) => version === 'v1').map(({ file }) => file.replace('.json', '')).sort();
  const expected = [
    ...typesOf(masterFrameSchema).map((type) => `master-${type}`),
    ...typesOf(agentFrameSchema).map((type) => `agent-${type}`),
  ].sort();
  expect(named).toEqual(expected);
});

test.each(fixtures)('$version/$file is read and written without loss', ({ file, text }) => {
  const frame = file.startsWith('master-') ? decodeMasterFrame(text) : decodeAgentFrame(text);
  const envelope = parseJson(text) as { v: number; id: string };
  expect(parseJson(encodeFrame(envelope.v, envelope.id, frame))).toEqual(parseJson(text));
});

test('whatever arrives is either a frame or refused as malformed', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(() => decodeAgentFrame(text)).toThrow(expect.objectContaining({ code: 'malformed-body' }));
    }),
  );
});

test('a malformed frame is refused naming its field', () => {
  const heartbeat = fixtures.find(({ file }) => file === 'agent-heartbeat.json');
  if (heartbeat === undefined) throw new Error('fixture agent-heartbeat.json is gone');
  const broken = heartbeat.text.replace(/"load1": [\d.]+/, '"load1": -1');
  expect(() => decodeAgentFrame(broken)).toThrow(/heartbeat: payload\.load1/);
});

test('a frame larger than the limit is not sent', () => {
  const body = 'x'.repeat(2 * 1024 * 1024);
  const send = () => encodeFrame(1, 'id', { type: 'result', payload: { commandId: 'id', outcome: { ok: true, body } } });
  expect(send).toThrow(ParavclError);
});
