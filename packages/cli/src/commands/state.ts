import type { Answered } from '@paravcl/shared/client/routes';
import type { Context } from '../context';
import type { InstanceItem, ReservationItem, SlaveItem } from '../names/kinds';
import { line } from '../output/advice';
import { tellMiB } from '../output/sizes';
import { stateCell } from '../output/states';
import { nextAction } from './instances/next-action';
import { reservationState, shortId } from './reservations/lists';
import { needsAttention, nextForSlave, standing } from './slaves/standing';

const soonMs = 7 * 24 * 60 * 60_000;
const mostShown = 10;

interface Things {
  readonly me: Answered<'get /me'>;
  readonly instances: readonly InstanceItem[];
  readonly queue: Answered<'get /queue'>;
  readonly reservations: readonly ReservationItem[];
  readonly notices: Answered<'get /notices'>['items'];
  /** For operators and admins; else null. */
  readonly slaves: readonly SlaveItem[] | null;
}

/** `paravcl` alone: how one's things stand. */
export async function showState(context: Context): Promise<void> {
  const things = await read(context);
  if (context.output.json) return context.output.document(things);
  const { output } = context;
  const times = await context.times();
  const { me, instances, queue, reservations, notices, slaves } = things;
  if (slaves !== null) sayPool(context, slaves);

  output.heading(`Machines of ${me.user.name}`);
  output.table(
    [
      { title: 'NAME', cell: ({ name }) => name },
      { title: 'STATE', cell: ({ observed }) => stateCell(observed, output.unicode) },
      { title: 'ADDRESS', cell: ({ address }) => address ?? '-' },
      { title: 'UNTIL', cell: ({ endsAt }) => (endsAt === null ? '-' : `${times.moment(endsAt)} (${times.away(endsAt)})`) },
      { title: 'NEXT', cell: (instance) => nextAction(instance) ?? 'wait' },
    ],
    instances,
    'You have no machines. Launch one: paravcl instances launch IMAGE (images: paravcl images list)',
  );

  const mine = new Set(instances.map(({ id }) => id));
  const waiting = queue.items.filter(({ instanceId }) => mine.has(instanceId));
  if (waiting.length > 0) {
    output.line('');
    output.heading('What waits');
    for (const { instanceId, name, place, waitsFor, earliestStart } of waiting) output.line(`${name}: place ${String(place)} of ${String(queue.length)}; ${waitsFor.replace(/\.$/, '')}${earliestStart === null ? '' : `, at the latest ${times.moment(earliestStart)}`}. Why: ${line`paravcl why ${{ id: instanceId, name }}`}`);
  }
  if (reservations.length > 0) {
    output.line('');
    output.heading('Reservations of the coming week');
    output.table(
      [
        { title: 'ID', cell: ({ id }) => shortId(id) },
        { title: 'STATE', cell: (reservation) => reservationState(reservation, output.unicode) },
        { title: 'FROM', cell: ({ start }) => times.moment(start) },
        { title: 'TO', cell: ({ end }) => times.moment(end) },
        { title: 'MACHINES', cell: ({ used, count }) => `${String(used.count)}/${String(count)}`, align: 'right' },
        { title: 'NOTE', cell: ({ sentence }) => sentence },
      ],
      reservations,
      '',
    );
  }
  if (notices.length > 0) {
    output.line('');
    output.heading('Notices');
    for (const { at, sentence } of notices) output.line(`${times.moment(at)}  ${sentence}`);
    output.say('Mark them as read: paravcl notices read');
  }
}

async function read(context: Context): Promise<Things> {
  const me = await context.call('get /me', {});
  const runsSite = me.user.role === 'operator' || me.user.role === 'admin';
  const now = context.world.now();
  const [instances, queue, reservations, notices, slaves] = await Promise.all([
    context.list('get /instances', { userId: me.user.id, recycled: false }),
    context.call('get /queue', {}),
    context.list('get /reservations', { from: new Date(now).toISOString(), to: new Date(now + soonMs).toISOString(), ...(runsSite ? { userId: me.user.id } : {}) }),
    context.list('get /notices', { unread: true }, { most: mostShown }),
    runsSite ? context.list('get /slaves') : null,
  ]);
  const coming = reservations.items.filter(({ state }) => state === 'confirmed' || state === 'active' || state === 'no-show').sort((a, b) => a.start.localeCompare(b.start));
  return { me, instances: instances.items, queue, reservations: coming, notices: notices.items, slaves: slaves === null ? null : [...slaves.items].sort((a, b) => Number(needsAttention(b)) - Number(needsAttention(a))) };
}

/** The pool in a sentence, and the hosts that somebody has to look at. */
function sayPool({ output }: Context, slaves: readonly SlaveItem[]): void {
  const online = slaves.filter(({ liveness, admission }) => liveness === 'online' && admission === 'approved');
  const sum = (of: (slave: SlaveItem) => number): number => online.reduce((total, slave) => total + of(slave), 0);
  output.line(
    slaves.length === 0
      ? 'The pool has no hosts yet. Let one join: paravcl slaves token'
      : `${String(online.length)} of ${String(slaves.length)} hosts take part: ${String(sum(({ used }) => used.instances))} guests on ${String(sum(({ used }) => used.vcpus))} of ${String(sum(({ lent }) => lent.vcpus))} cores and ${tellMiB(sum(({ used }) => used.ramMiB))} of ${tellMiB(sum(({ lent }) => lent.ramMiB))} RAM.`,
  );
  const attention = slaves.filter(needsAttention);
  if (attention.length > 0) {
    output.table(
      [
        { title: 'HOST', cell: ({ name }) => name },
        { title: 'STATE', cell: (slave) => standing(slave, output.unicode) },
        { title: 'WHY', cell: ({ admissionReason, warnings }) => admissionReason ?? warnings[0] ?? '' },
        { title: 'NEXT', cell: (slave) => nextForSlave(slave) ?? line`paravcl slaves show ${slave}` },
      ],
      attention,
      '',
    );
  }
  output.line('');
}
