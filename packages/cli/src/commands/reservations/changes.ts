import type { Command } from 'commander';
import type { Act } from '../../act';
import { wrongUsage } from '../../errors/refusal';
import { durationMinutes } from '../../times/durations';
import { momentSaid } from '../../times/moments';
import { examples } from '../examples';
import { sayDone } from '../say-done';
import { sayAnswer, withOffers } from './answer';
import { reservationOf } from './lists';
import { addWindow, windowOf, type WindowOptions } from './window';

export function addReservationChanges(noun: Command, act: Act): void {
  const one = (verb: string, about: string): Command => noun.command(verb).argument('<reservation>', 'its id, or the beginning of it').description(about);

  one('accept', 'say that the new time of a moved reservation is fine')
    .addHelpText('after', examples('reservations accept 01a22ac4-f4c7'))
    .action(
      act(async (context, said: string) => {
        const { id } = await reservationOf(context, said);
        const reservation = await context.call('post /reservations/:reservationId/accept', { params: { reservationId: id } });
        sayDone(context, reservation.sentence, reservation);
      }),
    );

  addWindow(one('move', 'choose another time; it keeps the old one when that is refused'))
    .addHelpText('after', examples('reservations move 01a22ac4-f4c7 --from "tomorrow 14:00" --hours 2'))
    .action(
      act(async (context, said: string, options: WindowOptions) => {
        const { id } = await reservationOf(context, said);
        const body = await windowOf(context, options);
        await sayAnswer(context, await withOffers(context, context.call('post /reservations/:reservationId/reschedule', { params: { reservationId: id }, body })));
      }),
    );

  one('extend', 'give it a later end')
    .option('--to <time>', 'the new end')
    .option('--by <time>', 'or by how much: 1h')
    .addHelpText('after', examples('reservations extend 01a22ac4-f4c7 --by 1h', 'reservations extend 01a22ac4-f4c7 --to "today 18:00"'))
    .action(
      act(async (context, said: string, { to, by }: { readonly to?: string; readonly by?: string }) => {
        if ((to === undefined) === (by === undefined)) throw wrongUsage('Say until when: exactly one of --to and --by.');
        const { id, end } = await reservationOf(context, said);
        const later = to === undefined ? new Date(Date.parse(end) + durationMinutes(by ?? '', '--by') * 60_000).toISOString() : momentSaid(to, '--to', { zone: (await context.times()).zone, now: context.world.now() });
        await sayAnswer(context, await withOffers(context, context.call('post /reservations/:reservationId/extend', { params: { reservationId: id }, body: { end: later } })));
      }),
    );

  one('cancel', 'take back one that has not begun, or give back the rest of one that has')
    .option('--series', 'every later one of its series too')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', examples('reservations cancel 01a22ac4-f4c7 --yes'))
    .action(
      act(async (context, said: string, { series = false, yes = false }: { readonly series?: boolean; readonly yes?: boolean }) => {
        const { id, state, start } = await reservationOf(context, said);
        const times = await context.times();
        const begun = state === 'active' || state === 'no-show';
        await context.questions.confirm(`${begun ? 'Give back the rest of' : 'Cancel'} the reservation of ${times.moment(start)}${series ? ' and the later ones of its series' : ''}?`, yes);
        const reservation = begun
          ? await context.call('post /reservations/:reservationId/release', { params: { reservationId: id } })
          : await context.call('post /reservations/:reservationId/cancel', { params: { reservationId: id }, body: { series } });
        sayDone(context, reservation.sentence, reservation);
      }),
    );
}
