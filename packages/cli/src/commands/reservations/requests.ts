import type { Command } from 'commander';
import type { Act } from '../../act';
import type { Context } from '../../context';
import { Refusal } from '../../errors/refusal';
import { groups, launchableOf } from '../../names/kinds';
import { find } from '../../names/resolve';
import { line } from '../../output/advice';
import { examples } from '../examples';
import { addNeeds, needsOf, type NeedOptions } from '../instances/sizes';
import { wholeNumber } from '../many';
import { sayAnswer, withOffers } from './answer';
import { addWindow, windowOf, type WindowOptions } from './window';

interface RequestOptions extends WindowOptions, NeedOptions {
  readonly count?: string;
  readonly image?: string;
  readonly group?: string;
  readonly weeklyUntil?: string;
  readonly asSlave?: boolean;
}

export function addReservationRequests(noun: Command, act: Act): void {
  const request = (verb: string, about: string): Command =>
    addNeeds(addWindow(noun.command(verb).description(about)))
      .option('--count <number>', 'so many machines; 1 unless told')
      .option('--image <image>', 'what they run: an image or a version of it')
      .option('--group <name>', 'its members claim; only you unless told')
      .option('--weekly-until <date>', 'repeat every week, up to this date')
      .option('--as-slave', 'pledge a machine of your own as a host with it')
      .addHelpText('after', examples(`reservations ${verb} --from "tomorrow 10:00" --hours 2 --image Ubuntu`, `reservations ${verb} --from "mon 08:00" --to "mon 10:00" --count 12 --group "CL II" --image Ubuntu`));

  request('create', 'reserve machines').action(
    act(async (context, options: RequestOptions) => {
      const body = await bodyOf(context, options);
      await sayAnswer(context, await withOffers(context, context.call('post /reservations', { body })));
    }),
  );

  request('check', 'what a reservation would come to; changes nothing').action(
    act(async (context, options: RequestOptions) => {
      const answer = await context.call('post /reservations/check', { body: await bodyOf(context, options) });
      await sayAnswer(context, answer);
      if (!answer.admitted) throw new Refusal('It would be refused.', answer.decisionId === null ? 'paravcl capacity' : line`paravcl why ${answer.decisionId}`);
    }),
  );
}

async function bodyOf(context: Context, { count, image, group, weeklyUntil, asSlave, ...options }: RequestOptions) {
  const run = image === undefined ? {} : await launchableOf(context, image);
  if ('templateId' in run) throw new Refusal('A reservation is for an image, not for a template.', 'paravcl images list');
  return {
    ...(await windowOf(context, options)),
    ...needsOf(options),
    ...run,
    ...(count === undefined ? {} : { count: wholeNumber(count, '--count') }),
    ...(group === undefined ? {} : { groupId: (await find(context, groups, group)).id }),
    ...(weeklyUntil === undefined ? {} : { weeklyUntil }),
    ...(asSlave === undefined ? {} : { asSlave }),
  };
}
