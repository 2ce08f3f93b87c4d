import { z } from 'zod';
import { ParavclError } from '../errors';
import { idSchema } from '../ids';
import { parseJson } from '../parse-json';
import { agentFrameSchema, heartbeatSchema, type AgentFrame } from './agent-to-master';
import { masterFrameSchema, type MasterFrame } from './master-to-agent';
import { maxFrameBytes } from './version';

const envelopeSchema = z.object({ v: z.int().positive(), id: idSchema, type: z.string().max(40), payload: z.unknown() });
/** Envelope and payload in one: nearly every frame a master gets is this one. */
const heartbeatFrameSchema = z.object({ v: z.int().positive(), id: idSchema, type: z.literal('heartbeat'), payload: heartbeatSchema });

/** A frame as text: `{v, id, type, payload}`. Throws when it exceeds `maxFrameBytes`. */
export function encodeFrame(version: number, id: string, frame: MasterFrame | AgentFrame): string {
  const text = JSON.stringify({ v: version, id, type: frame.type, payload: frame.payload });
  if (Buffer.byteLength(text) > maxFrameBytes) {
    throw new ParavclError('body-too-large', `A ${frame.type} frame of ${text.length} characters exceeds ${maxFrameBytes} bytes.`);
  }
  return text;
}

/** Parses what an agent sent. Throws ParavclError `malformed-body` naming the first fault. */
export function decodeAgentFrame(text: string): AgentFrame {
  const value = parsed(text);
  if (typeof value === 'object' && value !== null && 'type' in value && value.type === 'heartbeat') {
    const heartbeat = heartbeatFrameSchema.safeParse(value);
    // What is wrong with a malformed one is told below.
    if (heartbeat.success) return { type: 'heartbeat', payload: heartbeat.data.payload };
  }
  return decode(value, agentFrameSchema);
}
/** Parses what a master sent. Throws ParavclError `malformed-body` naming the first fault. */
export const decodeMasterFrame = (text: string): MasterFrame => decode(parsed(text), masterFrameSchema);

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    throw new ParavclError('malformed-body', 'The frame is not JSON.', {}, { cause });
  }
}

function decode<T>(value: unknown, schema: z.ZodType<T>): T {
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
