import { z } from 'zod';
import { ParavclError } from '../errors';
import { idSchema } from '../ids';
import { parseJson } from '../parse-json';
import { agentFrameSchema, type AgentFrame } from './agent-to-master';
import { masterFrameSchema, type MasterFrame } from './master-to-agent';
import { maxFrameBytes } from './version';

const envelopeSchema = z.object({ v: z.int().positive(), id: idSchema, type: z.string().max(40), payload: z.unknown() });

/** A frame as text: `{v, id, type, payload}`. Throws when it exceeds `maxFrameBytes`. */
export function encodeFrame(version: number, id: string, frame: MasterFrame | AgentFrame): string {
  const text = JSON.stringify({ v: version, id, type: frame.type, payload: frame.payload });
  if (Buffer.byteLength(text) > maxFrameBytes) {
    throw new ParavclError('body-too-large', `A ${frame.type} frame of ${text.length} characters exceeds ${maxFrameBytes} bytes.`);
  }
  return text;
}

/** Parses what an agent sent. Throws ParavclError `malformed-body` naming the first fault. */
export const decodeAgentFrame = (text: string): AgentFrame => decode(text, agentFrameSchema);
/** Parses what a master sent. Throws ParavclError `malformed-body` naming the first fault. */
export const decodeMasterFrame = (text: string): MasterFrame => decode(text, masterFrameSchema);

function decode<T>(text: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (cause) {
    throw new ParavclError('malformed-body', 'The frame is not JSON.', {}, { cause });
  }
  const envelope = envelopeSchema.safeParse(value);
  if (!envelope.success) throw malformed('frame', envelope.error);
  const frame = schema.safeParse({ type: envelope.data.type, payload: envelope.data.payload });
  if (!frame.success) throw malformed(envelope.data.type, frame.error);
  return frame.data;
}

function malformed(type: string, error: z.ZodError): ParavclError {
  const issue = error.issues[0];
  const field = issue?.path.join('.') ?? '';
  return new ParavclError('malformed-body', `Malformed ${type}: ${field}: ${issue?.message ?? 'unknown fault'}`, { field });
}
