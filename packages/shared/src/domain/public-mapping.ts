import { z } from 'zod';
import { ipv4Schema } from './limits';

export const transportSchema = z.enum(['tcp', 'udp']);
export type Transport = z.infer<typeof transportSchema>;

/** Of one instance. */
export const mostPublicMappings = 20;

const portNumber = z.int().min(1).max(65_535);

/**
 * What of the network outside leads to a guest, past the gateway, by NAT on its slave (S1 of the report):
 *
 *   address   an address of the site's public pool is the guest's, both ways
 *   port      a port of its slave's own address leads to one of its ports
 */
export const publicMappingSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('address'), address: ipv4Schema }).readonly(),
  z.object({ kind: z.literal('port'), transport: transportSchema, publicPort: portNumber, guestPort: portNumber }).readonly(),
]);
export type PublicMapping = z.infer<typeof publicMappingSchema>;
