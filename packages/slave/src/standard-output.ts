import pino from 'pino';

/** What a full disk behind standard output does not take is kept for its next write, up to this. */
const keptBytes = 1024 * 1024;

/** A log that cannot be written must not end what it tells of: lines wait, and beyond `keptBytes` are dropped. */
export function standardOutput(fd = 1): pino.DestinationStream {
  const to = pino.destination({ fd, sync: true, maxLength: keptBytes });
  to.on('error', () => undefined);
  return to;
}
