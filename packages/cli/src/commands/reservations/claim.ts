import type { Command } from 'commander';
import type { Act } from '../../act';
import { instanceOf } from '../../names/kinds';
import { versionOf } from '../images';
import { examples } from '../examples';
import { sayAccepted } from '../instances/accepted';
import { reservationOf, shortId } from './lists';

interface ClaimOptions {
  readonly instance?: string;
  readonly image?: string;
  readonly name?: string;
  readonly wait: boolean;
}

export function addReservationClaim(noun: Command, act: Act): void {
  noun
    .command('claimable')
    .description('reservations that are open and from which you may claim now')
    .addHelpText('after', examples('reservations claimable'))
    .action(
      act(async (context) => {
        const answer = await context.call('get /claimable', {});
        if (context.output.json) return context.output.document(answer);
        const times = await context.times();
        context.output.table(
          [
            { title: 'ID', cell: ({ reservationId }) => shortId(reservationId) },
            { title: 'FREE', cell: ({ free }) => String(free), align: 'right' },
            { title: 'UNTIL', cell: ({ end }) => times.moment(end) },
            { title: 'NOTE', cell: ({ sentence }) => sentence },
          ],
          answer.items,
          'There is nothing that you may claim now.',
        );
      }),
    );

  noun
    .command('claim')
    .argument('<reservation>', 'its id, or the beginning of it')
    .description('take one of the reserved machines: a new one, or a saved one of yours')
    .option('--instance <name>', 'resume this saved instance of yours under it')
    .option('--image <image>', 'what a new one runs, where the reservation names none')
    .option('--name <name>', 'host name of a new one')
    .option('--no-wait', 'do not wait until it runs')
    .addHelpText('after', examples('reservations claim 01a22ac4-f4c7', 'reservations claim 01a22ac4-f4c7 --instance web'))
    .action(
      act(async (context, said: string, { instance, image, name, wait }: ClaimOptions) => {
        const { id } = await reservationOf(context, said);
        const body = {
          ...(instance === undefined ? {} : { instanceId: (await instanceOf(context, instance)).id }),
          ...(image === undefined ? {} : { imageId: (await versionOf(context, image)).id }),
          ...(name === undefined ? {} : { name }),
        };
        const accepted = await context.call('post /reservations/:reservationId/claim', { params: { reservationId: id }, body });
        await sayAccepted(context, accepted, wait, (claimed) => `${claimed.name} runs${claimed.address === null ? '' : ` at ${claimed.address}`}.`);
      }),
    );
}
