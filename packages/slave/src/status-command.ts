import { Command } from 'commander';
import { LastReport } from './agent/last-report';
import { lastReportFile } from './compose-agent';
import { readConfig } from './config';
import { withConfigOptions, type ConfigFlags } from './config-options';
import { readEnrolment } from './link/enrolment-record';

/** `paravcl-slave status`: what the agent saw last, from its files; the agent itself is not asked. */
export function statusCommand(): Command {
  return withConfigOptions(new Command('status').description('print where this host is enrolled and what the agent saw last'))
    .option('--json', 'print one JSON object', false)
    .action(async ({ json, ...flags }: ConfigFlags & { json: boolean }) => {
      const config = readConfig(flags, process.env);
      const enrolment = await readEnrolment(config.stateDir);
      const instances = await LastReport.load(lastReportFile(config));
      if (json) {
        process.stdout.write(`${JSON.stringify({ enrolment, instances })}\n`);
        return;
      }
      const place = enrolment === null ? 'This host is not enrolled.' : `"${enrolment.name}" (${enrolment.slaveId}), enrolled at ${enrolment.masterUrl}.`;
      const lines = instances.map((one) => `  ${one.instanceId}  ${one.state}${one.reason === null ? '' : `: ${one.reason.sentence}`}`);
      process.stdout.write(`${place}\n${lines.length === 0 ? 'No instances.' : ['Instances as last seen:', ...lines].join('\n')}\n`);
    });
}
