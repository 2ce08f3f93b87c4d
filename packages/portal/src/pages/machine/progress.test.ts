import { launchSteps, progressOf, standingOf } from './progress';

describe('the progress of a launch', () => {
  it('takes how much of the image is there from the master’s sentence', () => {
    expect(progressOf({ observed: 'preparing', desired: 'running' }, 'preparing on lab-pc-07: image 38 %')).toEqual({ step: 'image', percent: 38 });
    expect(progressOf({ observed: 'preparing', desired: 'running' }, 'preparing on lab-pc-07')).toEqual({ step: 'image', percent: null });
    expect(progressOf({ observed: 'preparing', desired: 'running' }, null)).toEqual({ step: 'image', percent: null });
  });

  it('is none when the machine waits, runs, or is wanted otherwise', () => {
    expect(progressOf({ observed: 'queued', desired: 'running' }, null)).toBeNull();
    expect(progressOf({ observed: 'running', desired: 'running' }, null)).toBeNull();
    expect(progressOf({ observed: 'booting', desired: 'deleted' }, null)).toBeNull();
  });

  it('has what is behind it done and what is before it open', () => {
    expect(launchSteps.map((step) => standingOf(step, 'booting'))).toEqual(['success', 'success', 'info', 'pending']);
  });
});
