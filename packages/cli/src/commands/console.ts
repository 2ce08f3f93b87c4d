import { ApiProblem } from '@paravcl/shared/client/api-problem';
import type { Command } from 'commander';
import type { Act } from '../act';
import { attend } from '../console/serial-session';
import { openSerial } from '../console/open-serial';
import { Refusal, wrongUsage } from '../errors/refusal';
import { instanceOf } from '../names/kinds';
import { line } from '../output/advice';

const examples = `
Examples:
  paravcl console web
  echo uptime | paravcl console web

Ctrl-] leaves; the machine goes on. What you type goes to the machine, Ctrl-C too. A console needs a session
(paravcl login); an API token opens none.`;

export function addConsole(program: Command, act: Act): void {
  program
    .command('console')
    .argument('<instance>', 'its name or id')
    .description('the serial console of a machine, in this terminal')
    .addHelpText('after', examples)
    .action(
      act(async (context, said: string) => {
        if (context.output.json) throw wrongUsage('A console is bytes, not JSON.', line`paravcl console ${said}`);
        const { id, name } = await instanceOf(context, said);
        const { access } = await context.session();
        const end = await openSerial(context, id, name, (socket) => {
          context.output.say(`You are at the serial console of ${name}. Ctrl-] leaves, and it goes on. Nothing to be seen? Press Enter.`);
          return attend(socket, context.world);
        }).catch((error: unknown) => {
          if (!(error instanceof ApiProblem) || error.status !== 403 || !access.byEnvironment) throw error;
          throw new Refusal(error.message, line`paravcl login ${access.origin}, and leave PARAVCL_TOKEN away`);
        });
        if (end.by !== 'master') {
          if (context.questions.canAsk) context.output.say(`\nYou left the console of ${name}; it goes on.`);
          return;
        }
        throw new Refusal(end.reason === '' ? `The link to the console of ${name} was lost (${String(end.code)}). The machine goes on.` : end.reason, end.reason === '' ? line`paravcl console ${{ id, name }}` : line`paravcl instances show ${{ id, name }}`);
      }),
    );
}
