import { hasFault, reportLines } from '@paravcl/shared/finding-report';
import type { Command } from 'commander';
import type { Act } from '../act';
import { examine } from '../doctor/examine';
import type { Finding } from '@paravcl/shared/finding';
import { Refusal } from '../errors/refusal';
import { examples } from './examples';

export function addDoctor(program: Command, act: Act): void {
  program
    .command('doctor')
    .description('look at everything between this machine and the site, and say what mends it')
    .addHelpText('after', `${examples('doctor', 'doctor --json')}\n\nExit code 1 on a fault; warnings do not count.`)
    .action(
      act(async (context) => {
        const findings: Finding[] = [];
        await examine(context, (finding) => {
          findings.push(finding);
          if (!context.output.json && context.output.live) context.output.progress(finding.sentence);
        });
        context.output.endProgress();
        if (context.output.json) context.output.document({ ok: !hasFault(findings), findings });
        else for (const line of reportLines(findings, { unicode: context.output.unicode })) context.output.line(line);
        const faults = findings.filter(({ state }) => state === 'fault');
        if (faults.length > 0) throw new Refusal(`${String(faults.length)} fault${faults.length === 1 ? '' : 's'}: ${faults.map(({ check }) => check).join(', ')}.`, faults[0]?.mend ?? null);
      }),
    );
}
