import type { Command } from 'commander';
import type { Act } from '../act';
import { addInstanceLaunch } from './instances/launch';
import { addInstanceLists } from './instances/lists';
import { addInstanceVerbs } from './instances/verbs';

export function addInstances(program: Command, act: Act): void {
  const noun = program.command('instances').alias('instance').description('virtual machines: launch, start, save, stop, delete');
  for (const add of [addInstanceLists, addInstanceLaunch, addInstanceVerbs]) add(noun, act);
}
