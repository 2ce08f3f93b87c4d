import type { Answered } from '@paravcl/shared/client/routes';
import { ApiProblem } from '@paravcl/shared/client/api-problem';
import type { Context } from '../../context';
import { tellCores } from '../../output/sizes';
import { sayPledge } from '../../talk/join-way';
import { shortId } from './lists';

export type ReservationAnswered = Answered<'post /reservations'>;
type Offer = ReservationAnswered['offers'][number];

/** What a request came to, or would come to. */
export async function sayAnswer(context: Context, answer: ReservationAnswered): Promise<void> {
  const { output } = context;
  if (output.json) return output.document(answer);
  const times = await context.times();
  output.line(answer.sentence);
  const { reservation } = answer;
  if (reservation !== null) output.facts([['id', shortId(reservation.id)], ['from', times.moment(reservation.start)], ['to', times.moment(reservation.end)], ['machines', String(reservation.count)]]);
  for (const { start } of answer.series) output.line(`and ${times.moment(start)}`);
  for (const { from, to } of answer.moves) output.say(`Another reservation gives way: from ${times.moment(from)} to ${times.moment(to)}.`);
  await sayOffers(context, answer.offers);
  if (answer.pledge !== null) sayPledge(context, answer.pledge, times);
}

/** Says what one can have instead of what was refused, and throws it on. */
export async function withOffers<T>(context: Context, asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ApiProblem && error.problem.offers !== undefined && !context.output.json) await sayOffers(context, error.problem.offers);
    throw error;
  }
}

async function sayOffers(context: Context, offers: readonly Offer[]): Promise<void> {
  if (offers.length === 0) return;
  const { output } = context;
  const words = await context.times();
  output.say('What you can have instead:');
  for (const { kind, start, end, count, vcpusEach } of offers) {
    const when = `${words.moment(start)} to ${words.moment(end)}`;
    output.say(`  ${kind === 'best-effort' ? 'best effort now' : kind === 'time' ? 'at another time' : 'less at this time'}: ${String(count)} × ${tellCores(vcpusEach)}, ${when}`);
  }
}
