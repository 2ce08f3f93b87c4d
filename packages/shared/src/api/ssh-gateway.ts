import { z } from 'zod';
import { route } from './route';

const port = z.int().min(1).max(65_535);

export const sshGatewaySchema = z.discriminatedUnion('enabled', [
  z.object({ enabled: z.literal(false) }),
  z.object({
    enabled: z.literal(true),
    /** With `port`: `ssh -J alice@host:port user@machine`. */
    host: z.string(),
    port,
    /** Of its ed25519 host key, as SSH clients show it: SHA256:… */
    hostKeyFingerprint: z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/),
    /** That key as a line of known_hosts has it: type and base64. */
    hostKey: z.string().regex(/^ssh-ed25519 [A-Za-z0-9+/]+=*$/),
    /** Ports of guests that it leads to. */
    ports: z.array(port),
    /** The user that guests are made with. */
    guestUser: z.string(),
  }),
]);
export type SshGatewayAnswer = z.infer<typeof sshGatewaySchema>;

export const getSshGateway = route({
  method: 'get',
  path: '/ssh-gateway',
  summary: 'How machines are reached by SSH: the jump host, how to know it, and the ports of machines that it leads to',
  action: 'authenticated',
  answer: { status: 200, schema: sshGatewaySchema },
});
