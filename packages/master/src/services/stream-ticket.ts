import { createHash, randomBytes } from 'node:crypto';

/** What opens a stream (`streamTicketSchema`). */
export const newStreamTicket = (): string => randomBytes(32).toString('base64url');

/** Tickets are looked up by their hash, which takes no time that depends on those that there are. */
export const streamTicketKey = (ticket: string): string => createHash('sha256').update(ticket).digest('base64');
