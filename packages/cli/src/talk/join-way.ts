import type { JoinWay } from '@paravcl/shared/api/join-tokens';
import type { Context } from '../context';
import type { Times } from '../output/times';

/** Says how a machine becomes a host: by one line that asks for the token, or, where the master has nothing to put there, by the agent's own command. */
export function sayJoinWay({ output }: Context, { oneLine, token, command }: JoinWay, until: string): void {
  if (oneLine === null) {
    output.say(`Once the agent is on it, paste this there as root. The token in it is shown this once, and is good until ${until}:`);
    output.text(command);
    return;
  }
  output.say('Paste this on it, as root:');
  output.text(oneLine);
  output.say(`It asks for this token, which is shown this once, and is good until ${until}:`);
  output.text(token);
}

/** The same for the machine that was promised with a request. */
export function sayPledge(context: Context, pledge: JoinWay & { readonly until: string }, times: Times): void {
  context.output.say('The machine that you pledge becomes a host with this.');
  sayJoinWay(context, pledge, times.moment(pledge.until));
}
