import pino, { type Logger } from 'pino';
import type { MasterConfig } from './config';

/** Fields that may carry a secret, wherever in a log line one of two levels deep they stand. */
const secretFields = ['password', 'token', 'secret', 'cookie', 'authorization', 'enrolmentCode', 'privateKey', 'key', 'dsn'];

/** JSON lines on standard output; secrets are replaced before they are written. */
export function makeLog(level: MasterConfig['logLevel'], to: pino.DestinationStream = standardOutput()): Logger {
  return pino(
    {
      level,
      base: { service: 'paravcl-master' },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]).concat('headers["set-cookie"]', '*.headers["set-cookie"]', '*.*.headers["set-cookie"]'),
        censor: '[secret]',
      },
      serializers: { err: serialiseError },
    },
    to,
  );
}

/** What a full disk behind standard output does not take is kept for its next write, up to this. */
const keptBytes = 1024 * 1024;

/** A log that cannot be written must not end what it tells of: lines wait, and beyond `keptBytes` are dropped. */
export function standardOutput(fd = 1): pino.DestinationStream {
  const to = pino.destination({ fd, sync: true, maxLength: keptBytes });
  to.on('error', () => undefined);
  return to;
}

/** Type, message, stack and causes; of a database error its number, never its statement, which holds values. */
function serialiseError(error: unknown): unknown {
  if (typeof error !== 'object' || error === null || !('message' in error)) return error;
  const { name, message, stack, cause, code, errno, sqlMessage } = error as Error & { code?: unknown; errno?: unknown; sqlMessage?: unknown };
  const said = typeof sqlMessage === 'string' ? sqlMessage : withoutStatement(message);
  return {
    type: name,
    message: said,
    ...(code === undefined ? {} : { code }),
    ...(errno === undefined ? {} : { errno }),
    stack: stack?.replace(message, said),
    ...(cause === undefined ? {} : { cause: serialiseError(cause) }),
  };
}

/** knex puts the whole statement with its values before what was said, also where the server said nothing because it is gone. */
function withoutStatement(message: string): string {
  const isStatement = /^\s*(select|insert|update|delete|replace|with|set|alter|create|drop|begin|commit|rollback|savepoint|release)\b/i.test(message);
  return isStatement && message.includes(' - ') ? message.slice(message.lastIndexOf(' - ') + 3) : message;
}
