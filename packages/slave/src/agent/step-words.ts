import type { StepKind } from './steps';

/** What goes on while a step is carried out, for a sentence about its instance. */
export const stepWords: Readonly<Record<StepKind, string>> = {
  'fetch-image': 'its image is being brought',
  'create-files': 'its disk is being made',
  'reserve-address': 'its address is being reserved',
  define: 'its definition is being written',
  'adopt-ram': 'its memory is being brought to its place',
  'give-up-ram': 'its memory is being given up',
  start: 'it is being started',
  'resume-disk': 'it is being continued after an error of its disk',
  shutdown: 'it is being shut down',
  destroy: 'its power is being taken away',
  pause: 'it is being paused',
  continue: 'it is being continued',
  save: 'its memory is being saved',
  'send-guest': 'it goes to another host',
  undefine: 'its definition is being removed',
  'release-address': 'its address is being given back',
  'remove-files': 'its disk is being removed',
  note: 'what became of it is being written down',
  'give-up': 'what became of it is being written down',
};
