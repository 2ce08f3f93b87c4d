import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { readJournalState } from './agent/journal';
import { build } from './build';
import { journalDirectory, lastContactFile } from './compose-agent';
import { readConfig } from './config';
import { withConfigOptions } from './config-options';
import { doctorCommand, type DoctorOptions } from './doctor/doctor-command';
import { enrolCommand } from './enrol-command';
import { followCommand } from './follow-command';
import { imagesCommand } from './images-command';
import { LastContact } from './last-contact';
import { caFileName, enrolmentFileName, readEnrolment } from './link/enrolment-record';
import { keyFileName } from './link/identity';
import { mirrorCommand } from './mirror-command';
import { runCommand } from './run-command';
import { statusCommand } from './status-command';

const doctor = withConfigOptions(doctorCommand(async (): Promise<DoctorOptions> => {
  const config = readConfig(doctor.opts(), process.env);
  const enrolment = await readEnrolment(config.stateDir).catch(() => null);
  const caPem = enrolment?.trust === 'pinned' ? await readFile(join(config.stateDir, caFileName), 'utf8').catch(() => undefined) : undefined;
  return {
    stateDir: config.stateDir,
    poolDir: config.poolDir,
    libvirtUri: config.libvirtUri,
    masterUrl: enrolment?.masterUrl,
    trust: enrolment?.trust,
    caPem,
    network: (await readJournalState(journalDirectory(config))).network,
    lastContactAt: await LastContact.read(lastContactFile(config)),
    offer: config.offer,
    peers: config.mirror,
    secretFiles: [keyFileName, enrolmentFileName],
  };
}));

const program = new Command('paravcl-slave')
  .description('The ParaVCL agent: makes this machine a host of a virtual computing lab')
  .version(build)
  .addCommand(enrolCommand())
  .addCommand(followCommand())
  .addCommand(runCommand(build))
  .addCommand(mirrorCommand(build))
  .addCommand(doctor)
  .addCommand(statusCommand())
  .addCommand(imagesCommand());

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  // Not by running out of work: what a failed start leaves open, its lock for one, would keep it alive.
  process.exit(1);
});
