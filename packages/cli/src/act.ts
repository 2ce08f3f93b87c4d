import type { Command } from 'commander';
import { Context, type GlobalOptions } from './context';
import type { World } from './world';

/** Makes a command's action of what it does: with its arguments and its options, in a context of its own. */
export type Act = <Given extends readonly unknown[]>(body: (context: Context, ...given: Given) => Promise<void>) => (...given: unknown[]) => Promise<void>;

/** `began` is told of each context, so that an error can be said as that run says things. */
export function actsIn(world: World, began: (context: Context, command: Command) => void): Act {
  return <Given extends readonly unknown[]>(body: (context: Context, ...given: Given) => Promise<void>) =>
    async (...given: unknown[]) => {
      const command = given.at(-1) as Command;
      const context = new Context(world, command.optsWithGlobals<GlobalOptions>());
      began(context, command);
      await body(context, ...(given.slice(0, -1) as unknown as Given));
    };
}
