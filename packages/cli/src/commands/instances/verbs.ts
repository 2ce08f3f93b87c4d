import type { Command } from 'commander';
import type { Act } from '../../act';
import type { Context } from '../../context';
import { instanceOf, type InstanceItem } from '../../names/kinds';
import { line } from '../../output/advice';
import { examples } from '../examples';
import { sayAccepted, type Accepted } from './accepted';
import { timeOf } from './sizes';

interface VerbOptions {
  readonly wait: boolean;
  readonly yes?: boolean;
  readonly force?: boolean;
  readonly time?: string;
  readonly toProduction?: boolean;
  readonly recycle?: boolean;
  readonly snapshot?: string;
}

interface Verb {
  readonly verb: string;
  readonly about: string;
  readonly example: string;
  readonly options?: (command: Command) => Command;
  /** What is asked before; null: nothing. */
  readonly question?: (name: string, options: VerbOptions) => string | null;
  readonly send: (context: Context, instanceId: string, options: VerbOptions) => Promise<Accepted>;
  readonly done: (instance: InstanceItem, options: VerbOptions) => string;
}

const yes = (command: Command): Command => command.option('-y, --yes', 'do not ask');
const time = (command: Command): Command => command.option('--time <time>', 'for how long from now: 90m, 2h');
const runs = ({ name, address }: InstanceItem): string => `${name} runs${address === null ? '' : ` at ${address}`}.`;

const verbs: readonly Verb[] = [
  { verb: 'start', about: 'switch it on, or try a failed launch again', example: 'start web', options: time, send: (context, instanceId, options) => context.call('post /instances/:instanceId/start', { params: { instanceId }, body: timeOf(options.time) }), done: runs },
  { verb: 'suspend', about: 'save it with everything open', example: 'suspend web', send: (context, instanceId) => context.call('post /instances/:instanceId/suspend', { params: { instanceId } }), done: ({ name }) => `${name} is saved.` },
  { verb: 'resume', about: 'go on where it was saved', example: 'resume web --time 2h', options: time, send: (context, instanceId, options) => context.call('post /instances/:instanceId/resume', { params: { instanceId }, body: timeOf(options.time) }), done: runs },
  {
    verb: 'stop', about: 'switch it off; its disk is kept', example: 'stop web',
    options: (command) => yes(command.option('--force', 'take the power away instead of asking the guest')),
    question: (name, { force }) => (force === true ? `Take the power away from ${name}? What it has not written to its disk is lost.` : null),
    send: (context, instanceId, { force = false }) => context.call('post /instances/:instanceId/stop', { params: { instanceId }, body: { force } }),
    done: ({ name }) => `${name} is off.`,
  },
  {
    verb: 'reset', about: 'begin it anew from its image; its disk goes', example: 'reset web --to-production',
    options: (command) => yes(command.option('--to-production', 'from the version that is in production now')),
    question: (name) => `Begin ${name} anew? Everything on its disk is lost.`,
    send: (context, instanceId, { toProduction = false }) => context.call('post /instances/:instanceId/reset', { params: { instanceId }, body: { toProduction } }),
    done: ({ name }) => `${name} has begun anew.`,
  },
  { verb: 'move', about: 'let one that is off leave its host', example: 'move web', send: (context, instanceId) => context.call('post /instances/:instanceId/move', { params: { instanceId } }), done: ({ name }) => `${name} is in the store; its next start goes wherever there is room.` },
  {
    verb: 'recover', about: 'start it elsewhere from a snapshot, when its host was declared dead', example: 'recover web',
    options: (command) => yes(command.option('--snapshot <id>', 'id of the snapshot; its last one unless told')),
    question: (name) => `Start ${name} from its snapshot? What it did since is lost.`,
    send: (context, instanceId, { snapshot }) => context.call('post /instances/:instanceId/recover', { params: { instanceId }, body: snapshot === undefined ? {} : { snapshotId: snapshot } }),
    done: runs,
  },
  {
    verb: 'delete', about: 'delete it and its disk', example: 'delete web --yes',
    options: (command) => yes(command.option('--recycle', 'put it into the recycle bin instead')),
    question: (name, { recycle }) => (recycle === true ? null : `Delete ${name} and its disk? It cannot be had back.`),
    send: (context, instanceId, { recycle }) => context.call('delete /instances/:instanceId', { params: { instanceId }, query: recycle === true ? { recycle: 'true' } : {} }),
    done: ({ id, name }, { recycle }) => (recycle === true ? `${name} is in the recycle bin. Take it out: ${line`paravcl instances restore ${{ id, name }}`}` : `${name} is deleted.`),
  },
  { verb: 'restore', about: 'take it out of the recycle bin', example: 'restore web', send: (context, instanceId) => context.call('post /instances/:instanceId/restore', { params: { instanceId } }), done: ({ name }) => `${name} is out of the recycle bin.` },
];

export function addInstanceVerbs(noun: Command, act: Act): void {
  for (const { verb, about, example, options = (command: Command) => command, question = () => null, send, done } of verbs) {
    options(noun.command(verb).argument('<instance>', 'its name or id').description(about))
      .option('--no-wait', 'do not wait for the end')
      .addHelpText('after', examples(`instances ${example}`))
      .action(
        act(async (context, said: string, chosen: VerbOptions) => {
          const { id, name } = await instanceOf(context, said);
          const asked = question(name, chosen);
          if (asked !== null) await context.questions.confirm(asked, chosen.yes === true);
          await sayAccepted(context, await send(context, id, chosen), chosen.wait, (instance) => done(instance, chosen));
        }),
      );
  }
}
