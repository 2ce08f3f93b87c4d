import type { Lab } from '../lab/lab';
import type { LabLayout } from '../lab/lab-layout';
import type { StepLog } from './step-log';
import type { WalkResult } from './walk';

/** The last words of a demo: where it is and how to get in, or what went wrong and where to look. */
export class DemoReporter {
  constructor(
    private readonly log: StepLog,
    private readonly json: boolean,
    private readonly stopCommand: string,
  ) {}

  leftRunning(lab: Lab, result: WalkResult): void {
    const { log } = this;
    log.say('');
    log.say(`It is running: ${lab.url}/ (its CA: ${lab.layout.caFile})`);
    for (const { role, name, password } of result.people) log.say(`  ${role.padEnd(14)} ${name.padEnd(8)} ${password}`);
    log.say('These passwords were made for this demo, are shown only now and end with it.');
    log.say(`Logs: ${lab.layout.masterLog}, ${lab.layout.agentLog}, ${lab.layout.mirrorLog}`);
    log.say(`End it and remove everything it made: ${this.stopCommand}`);
  }

  failed(error: unknown): void {
    this.log.say('');
    this.log.say(error instanceof Error ? error.message : String(error));
  }

  leftFailed({ masterLog, agentLog, mirrorLog }: LabLayout): void {
    this.log.say(`Left as it is, to look at; what the daemons said: ${masterLog}, ${agentLog}, ${mirrorLog}`);
    this.log.say(`Remove everything: ${this.stopCommand}`);
  }

  /** Prints the summary and answers the exit code. */
  summary(failure: unknown): number {
    const summary = this.log.summary();
    const ok = summary.ok && failure === null;
    if (this.json) process.stdout.write(`${JSON.stringify({ ...summary, ok })}\n`);
    else this.log.say(`${ok ? 'All of it worked' : 'It did not work'}, in ${summary.seconds.toFixed(1)} s.`);
    return ok ? 0 : 1;
  }
}
