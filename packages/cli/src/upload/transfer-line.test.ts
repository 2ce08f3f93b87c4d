import { TransferLine } from './transfer-line';

const MiB = 1024 * 1024;

describe('the line of a transfer', () => {
  it('shows bar, bytes, rate and what is left', () => {
    const line = new TransferLine('Sending', 100 * MiB, false);
    expect(line.at(0, 0)).toBe('Sending [--------------------] 0 %, 0 B of 100 MiB');
    expect(line.at(20 * MiB, 2_000)).toBe('Sending [####----------------] 20 %, 20 MiB of 100 MiB, 10 MiB/s, 8 s left');
    expect(line.at(100 * MiB, 10_000)).toContain('100 %, 100 MiB of 100 MiB');
  });

  it('takes the rate of the last seconds, and begins anew where the transfer went back', () => {
    const line = new TransferLine('Sending', 1000 * MiB, false);
    line.at(0, 0);
    line.at(500 * MiB, 1_000);
    line.at(500 * MiB, 9_000);
    expect(line.at(510 * MiB, 11_000)).toContain('5 MiB/s, 98 s left'.replace('98 s', '2 min'));
    expect(line.at(100 * MiB, 12_000)).toBe('Sending [##------------------] 10 %, 100 MiB of 1000 MiB');
  });
});
