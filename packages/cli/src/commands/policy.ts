import type { Command } from 'commander';
import type { Act } from '../act';
import { Refusal } from '../errors/refusal';
import { textFrom } from '../files/plain-file';
import { examples } from './examples';

type Value = string | number | boolean | null | readonly string[] | undefined;

const tell = (value: Value): string => (value === undefined ? 'not set' : value === null ? 'no limit' : Array.isArray(value) ? value.join(', ') : String(value));

const mostRulesBytes = 1024 * 1024;

export function addPolicy(program: Command, act: Act): void {
  const noun = program.command('policy').description('the rules of the site');

  noun
    .command('show')
    .description('the rules and limits in force, with the option that sets each')
    .addHelpText('after', examples('policy show'))
    .action(
      act(async (context) => {
        const policy = await context.call('get /policy', {});
        const { output } = context;
        if (output.json) return output.document(policy);
        output.line(`preset ${policy.preset}`);
        for (const { name, sentence, values } of policy.sections) {
          output.line('');
          output.heading(`${name}: ${sentence}`);
          output.facts(values.map(({ option, value }) => [`  ${option}`, tell(value)] as const));
        }
      }),
    );

  noun
    .command('try')
    .argument('<file>', 'YAML as in the master’s configuration; "-" reads standard input')
    .description('what these rules would change at the next start; sets nothing')
    .addHelpText('after', examples('policy try rules.yaml'))
    .action(
      act(async (context, file: string) => {
        const rules = await textFrom(context.world, file, mostRulesBytes);
        const trial = await context.call('post /policy/trials', { body: { rules } });
        const { output } = context;
        if (output.json) output.document(trial);
        else {
          for (const fault of trial.faults) output.line(`fault: ${fault}`);
          if (trial.faults.length === 0) output.table([{ title: 'OPTION', cell: ({ option }) => option }, { title: 'NOW', cell: ({ now }) => tell(now) }, { title: 'THEN', cell: ({ then }) => tell(then) }], trial.changes, 'They would change nothing.');
        }
        if (trial.faults.length > 0) throw new Refusal(`${String(trial.faults.length)} faults: with these rules the master would not start.`, 'paravcl policy show');
      }),
    );
}
