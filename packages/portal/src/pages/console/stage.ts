import type { Instance } from '@paravcl/shared/domain/instance';
import type { LinkState } from './console-link';

/** What stands where the console would be. `words` are a title and a sentence below `stage` in console.json. */
export interface Stage {
  readonly words: string;
  readonly tone: 'busy' | 'calm' | 'trouble';
  /** The master's own sentence, shown as it is instead of ours. */
  readonly said: string | null;
  readonly action: 'resume' | 'start' | 'tryNow' | null;
  /** When it is tried again by itself. */
  readonly againAtMs: number | null;
}

type About = Pick<Instance, 'observed' | 'desired' | 'reason'>;

/** Whether there is a guest to show. */
export const hasConsole = ({ observed }: Pick<Instance, 'observed'>): boolean => observed === 'running' || observed === 'booting';

/** What is to be said in the place of the console; null while it is shown. */
export function stageOf(link: LinkState, instance: About): Stage | null {
  const stage = (words: string, tone: Stage['tone'], rest: Partial<Stage> = {}): Stage => ({ words, tone, said: null, action: null, againAtMs: null, ...rest });
  switch (link.at) {
    case 'open':
      return null;
    case 'loggedOut':
      return stage('loggedOut', 'trouble', { action: 'tryNow' });
    case 'refused':
      return stage('refused', 'trouble', { said: link.sentence, action: 'tryNow' });
    case 'pausing':
      return stage(link.why.kind === 'offline' ? 'offline' : 'lost', 'trouble', { said: link.why.kind === 'said' ? link.why.sentence : null, action: 'tryNow', againAtMs: link.untilMs });
    case 'connecting':
      return link.failures === 0 ? stage('connecting', 'busy') : stage('reconnecting', 'busy');
    case 'idle':
      return hasConsole(instance) ? stage('connecting', 'busy') : machineStage(instance, stage);
  }
}

function machineStage({ observed, desired, reason }: About, stage: (words: string, tone: Stage['tone'], rest?: Partial<Stage>) => Stage): Stage {
  const said = { said: reason?.sentence ?? null };
  switch (observed) {
    case 'suspended':
      return desired === 'running' ? stage('waitsToResume', 'calm', said) : stage('suspended', 'calm', { ...said, action: 'resume' });
    case 'stopped':
      return desired === 'running' ? stage('queued', 'calm', said) : stage('stopped', 'calm', { ...said, action: 'start' });
    case 'requested':
    case 'queued':
      return stage('queued', 'calm', said);
    case 'failed':
      return stage('failed', 'trouble', { ...said, action: 'start' });
    case 'lost':
      return stage('lostMachine', 'trouble', said);
    case 'deleted':
      return stage('deleted', 'calm');
    case 'preparing':
    case 'suspending':
    case 'resuming':
    case 'stopping':
    case 'relocating':
      return stage(observed, 'busy', said);
    // They have a console; whoever comes here has just asked for it.
    case 'booting':
    case 'running':
      return stage('connecting', 'busy');
  }
}
