import { Command } from 'commander';
import { LastReport } from './agent/last-report';
import { lastReportFile } from './compose-agent';
import { readConfig } from './config';
import { withConfigOptions, type ConfigFlags } from './config-options';
import { MirrorClient } from './disks/mirror-client';
import { readEnrolment } from './link/enrolment-record';
import { shownImages } from './shown-images';

/** `paravcl-slave status`: what the agent saw last, from its files, and the images of the mirror; the agent itself is not asked. */
export function statusCommand(): Command {
  return withConfigOptions(new Command('status').description('print where this host is enrolled, what the agent saw last, and the images that are here'))
    .option('--json', 'print one JSON object', false)
    .action(async ({ json, ...flags }: ConfigFlags & { json: boolean }) => {
      const config = readConfig(flags, process.env);
      const enrolment = await readEnrolment(config.stateDir);
      const instances = await LastReport.load(lastReportFile(config));
      const list = await new MirrorClient(config.poolDir).images().catch((error: unknown) => (error as Error).message);
      if (json) {
        process.stdout.write(`${JSON.stringify({ enrolment, instances, images: typeof list === 'string' ? null : list.images })}\n`);
        return;
      }
      const place = enrolment === null ? 'This host is not enrolled.' : `"${enrolment.name}" (${enrolment.slaveId}), enrolled at ${enrolment.masterUrl}.`;
      const lines = instances.map((one) => `  ${one.instanceId}  ${one.state}${one.reason === null ? '' : `: ${one.reason.sentence}`}`);
      const images = typeof list === 'string' ? [list] : list.images.length === 0 ? ['No images.'] : ['Images here:', ...shownImages(list).map((line) => `  ${line}`)];
      process.stdout.write(`${[place, ...(lines.length === 0 ? ['No instances.'] : ['Instances as last seen:', ...lines]), ...images].join('\n')}\n`);
    });
}
