import { z } from 'zod';
import { route } from './route';

/** Where the master gives the command line away, to everybody. */
export const commandLinePath = '/paravcl.cjs';

export const getCommandLine = route({
  method: 'get',
  path: '/command-line',
  summary: 'How one gets paravcl, the command line, from this master, and logs in with it',
  action: 'authenticated',
  answer: {
    status: 200,
    schema: z.object({
      /** Null when this master has no command line to give. */
      file: z
        .object({
          url: z.string(),
          sha256: z.string(),
          sizeBytes: z.int(),
          /** The oldest Node that runs it. */
          oldestNode: z.string(),
          /** To paste in a terminal: fetches it, checks that it is this one, and puts it into `~/.local/bin`. */
          install: z.string(),
        })
        .nullable(),
      /** To paste then. It names the site's own CA by its fingerprint, so that nobody has to compare it. */
      login: z.string(),
    }),
  },
});
