import { commandLinePath, getCommandLine } from '@paravcl/shared/api/command-line';
import { ParavclError } from '@paravcl/shared/errors';
import { Router } from 'express';
import type { CommandLineFile } from '../services/command-line-file';
import { bind, type BoundRoute } from './binding';

/** How one gets the command line from here. */
export function commandLineRoutes(file: Pick<CommandLineFile, 'way'>): readonly BoundRoute[] {
  return [bind(getCommandLine, async () => ({ body: await file.way() }))];
}

/** Mounted at '/': the file itself, to everybody. There is nothing of the site in it. */
export function commandLineFileRoutes(file: Pick<CommandLineFile, 'read'>): Router {
  const router = Router();
  router.get(commandLinePath, async (_request, response) => {
    const given = await file.read();
    if (given === null) throw new ParavclError('not-found', 'This master has no command line to give: packages/cli/dist/paravcl.cjs is not beside it. Its operators make it with "npm run build"; the API and the portal do the same things.');
    // As bytes: no page may run it.
    response.set({ 'Cache-Control': 'no-cache', 'Content-Type': 'application/octet-stream', 'Content-Disposition': 'attachment; filename="paravcl.cjs"', ETag: `"${given.sha256}"` }).send(given.content);
  });
  return router;
}
