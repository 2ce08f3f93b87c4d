import { PassThrough } from 'node:stream';
import { StepFailed, StepLog } from './step-log';

const failing = async (log: StepLog): Promise<void> => {
  await log.step('first', () => Promise.resolve());
  await expect(log.step('second', () => Promise.reject(new StepFailed('No room.')))).rejects.toThrow('No room.');
};

test('a failure before the slave described itself says that the hypervisor is a guess', async () => {
  const log = new StepLog(new PassThrough().resume(), '');
  await failing(log);
  expect(log.summary()).toMatchObject({ ok: false, hypervisor: 'qemu', steps: [{ ok: true, detail: '' }, { ok: false, detail: expect.stringMatching(/^No room\..*guess/) as string }] });
});

test('a later one names what the slave found out', async () => {
  const log = new StepLog(new PassThrough().resume(), '');
  log.hypervisor = 'kvm';
  await failing(log);
  expect(log.summary()).toMatchObject({ ok: false, hypervisor: 'kvm', steps: [{ ok: true }, { ok: false, detail: 'No room.' }] });
});
