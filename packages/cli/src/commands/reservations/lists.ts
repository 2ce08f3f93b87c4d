import { reservationStateSchema } from '@paravcl/shared/domain/reservation';
import { Option, type Command } from 'commander';
import type { Act } from '../../act';
import type { Context } from '../../context';
import { groupNames, reservations, userNames, type ReservationItem } from '../../names/kinds';
import { find, isId } from '../../names/resolve';
import { line } from '../../output/advice';
import { tellCores, tellMiB } from '../../output/sizes';
import { levelCell } from '../../output/states';
import type { Cell } from '../../output/table';
import { momentSaid, wholeMoment } from '../../times/moments';
import { examples } from '../examples';
import { manyOf } from '../many';

/** Enough of an id that one finds it again; the first part alone is when it was made, to the minute. */
export const shortId = (id: string): string => id.slice(0, 13);

export function reservationOf(context: Context, said: string): Promise<ReservationItem> {
  return isId(said) ? context.call('get /reservations/:reservationId', { params: { reservationId: said.toLowerCase() } }) : find(context, reservations, said);
}

export function reservationState({ state, moved }: ReservationItem, unicode: boolean): Cell {
  if (moved !== null && !moved.accepted && state === 'confirmed') return levelCell('waits', 'moved: accept it', unicode);
  if (state === 'active') return levelCell('good', 'open', unicode);
  if (state === 'confirmed') return levelCell('good', 'confirmed', unicode);
  return levelCell(state === 'no-show' ? 'waits' : 'quiet', state, unicode);
}

interface Listed {
  readonly state?: string;
  readonly from?: string;
  readonly to?: string;
  readonly all?: boolean;
  readonly limit?: string;
}

export function addReservationLists(noun: Command, act: Act): void {
  noun
    .command('list', { isDefault: true })
    .alias('ls')
    .description('reservations that are open or to come; all with --all')
    .option('--all', 'those that are over too')
    .addOption(new Option('--state <state>', 'only those in this state').choices(reservationStateSchema.options))
    .option('--from <time>', 'only those that overlap the time from then')
    .option('--to <time>', 'until then')
    .option('--limit <number>', 'at most so many')
    .addHelpText('after', examples('reservations list', 'reservations list --from "tomorrow 08:00" --to "tomorrow 18:00"'))
    .action(
      act(async (context, { state, from, to, all = false, limit }: Listed) => {
        const times = await context.times();
        const now = context.world.now();
        const at = (text: string, option: string): string => wholeMoment(momentSaid(text, option, { zone: times.zone, now }), times.zone);
        const query = { state, from: from === undefined ? (all || state !== undefined ? undefined : new Date(now).toISOString()) : at(from, '--from'), to: to === undefined ? undefined : at(to, '--to') };
        const page = await context.list('get /reservations', query, manyOf(limit));
        const { output } = context;
        if (output.json) return output.document(page);
        const [user, group] = await Promise.all([userNames(context), groupNames(context)]);
        output.table(
          [
            { title: 'ID', cell: ({ id }) => (context.options.output === 'wide' ? id : shortId(id)) },
            { title: 'STATE', cell: (reservation) => reservationState(reservation, output.unicode) },
            { title: 'FROM', cell: ({ start }) => times.moment(start) },
            { title: 'TO', cell: ({ end }) => times.moment(end) },
            { title: 'MACHINES', cell: ({ used, count }) => `${String(used.count)}/${String(count)}`, align: 'right' },
            { title: 'SIZE', cell: ({ vcpus, ramMiB }) => `${tellCores(vcpus)}, ${tellMiB(ramMiB)}` },
            { title: 'WHOSE', cell: ({ userId, groupId }) => (groupId === null ? user(userId) : group(groupId)) },
            { title: 'PRIORITY', cell: ({ priority }) => String(Number(priority.pi.toFixed(3))), wide: true },
            { title: 'NOTE', cell: ({ sentence }) => sentence },
          ],
          page.items,
          'There are no such reservations. Make one: paravcl reservations create --from "tomorrow 10:00" --hours 2 --image IMAGE',
        );
      }),
    );

  noun
    .command('show')
    .argument('<reservation>', 'its id, or the beginning of it')
    .description('one reservation')
    .addHelpText('after', examples('reservations show 01a22ac4-f4c7'))
    .action(
      act(async (context, said: string) => {
        const reservation = await reservationOf(context, said);
        const { output } = context;
        if (output.json) return output.document(reservation);
        const [times, user, group] = await Promise.all([context.times(), userNames(context), groupNames(context)]);
        const { moved } = reservation;
        output.facts([
          ['id', reservation.id],
          ['state', reservationState(reservation, output.unicode)],
          ['how', reservation.sentence],
          ['from', `${times.moment(reservation.start)} (${times.away(reservation.start)})`],
          ['to', times.moment(reservation.end)],
          ['machines', `${String(reservation.used.count)} of ${String(reservation.count)} claimed`],
          ['each', `${tellCores(reservation.vcpus)}, ${tellMiB(reservation.ramMiB)} RAM, ${tellMiB(reservation.diskMiB)} disk`],
          ['images', reservation.readiness?.sentence ?? null],
          ['whose', user(reservation.userId)],
          ['group', reservation.groupId === null ? null : group(reservation.groupId)],
          ['moved', moved === null ? null : `from ${times.moment(moved.from)} to ${times.moment(moved.to)}${moved.accepted ? ', accepted' : ''}`],
          ['priority', String(Number(reservation.priority.pi.toFixed(3)))],
          ['next', moved !== null && !moved.accepted && reservation.state === 'confirmed' ? line`paravcl reservations accept ${shortId(reservation.id)}` : reservation.state === 'active' ? line`paravcl reservations claim ${shortId(reservation.id)}` : null],
        ]);
      }),
    );
}
