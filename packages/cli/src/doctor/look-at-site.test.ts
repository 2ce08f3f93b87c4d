import { fault, ok, warning } from '@paravcl/shared/finding';
import { hasFault, reportLines } from '@paravcl/shared/finding-report';
import { clockFinding, findingsOf, storeFindings, versionFinding } from './look-at-site';

it('tells trouble first, each with what mends it, and a sum', () => {
  const findings = [ok('a', 'A is well.'), warning('b', 'B is odd.', null), fault('c', 'C is broken.', 'mend c')];
  expect(reportLines(findings)).toEqual(['✗ fault    C is broken.', '             mend: mend c', '! warning  B is odd.', '  ok       A is well.', '', '1 fault and 1 warning: mend the faults from the top down, then run doctor again.']);
  expect(hasFault(findings)).toBe(true);
  expect(reportLines([ok('a', 'A is well.')], { unicode: false }).at(-1)).toBe('All is well.');
  expect(reportLines([warning('b', 'B is odd.', null)], { unicode: false }).at(-1)).toBe('No fault, 1 warning.');
  expect(hasFault([warning('b', 'B is odd.', null)])).toBe(false);
});

it('finds a clock that is off, in both directions', () => {
  expect([400, -20_000, 40_000, -400_000].map((ms) => clockFinding(ms).state)).toEqual(['ok', 'ok', 'warning', 'fault']);
  expect(clockFinding(-400_000).sentence).toContain('400 s behind the master');
});

it('finds a master of another version', () => {
  expect([versionFinding('0.1.7').state, versionFinding('0.2.0').state]).toEqual(['ok', 'warning']);
});

it('finds hosts that somebody has to look at, with the next command', () => {
  const host: Parameters<typeof findingsOf>[0] = { id: '01a22ac4-f4c7-7588-8be6-eb1fbd0f41b4', name: 'pc-1', admission: 'approved', admissionReason: null, evacuation: null, liveness: 'online', warnings: [], lastSeenAt: null };
  expect(findingsOf(host)).toEqual([]);
  expect(findingsOf({ ...host, liveness: 'lost', lastSeenAt: '2026-11-30T05:00:00Z' })).toEqual([fault('host pc-1', 'pc-1 is not connected, seen last at 2026-11-30T05:00:00Z.', 'on pc-1: paravcl-slave doctor')]);
  expect(findingsOf({ ...host, admission: 'pending', liveness: 'lost' })).toEqual([warning('host pc-1', 'pc-1 waits for approval.', 'paravcl slaves approve pc-1')]);
  expect(findingsOf({ ...host, admission: 'quarantined', admissionReason: 'Two say they are it.' })[0]).toMatchObject({ state: 'fault', sentence: 'pc-1 is quarantined: Two say they are it.', mend: 'paravcl slaves show pc-1' });
  expect(findingsOf({ ...host, warnings: ['Its pool is full.'] })[0]).toMatchObject({ state: 'warning', sentence: 'pc-1: Its pool is full.' });
});

it('finds a store with chunks that are damaged and not repaired', () => {
  const run = { state: 'done', startedBy: 'master', startedAt: '', endedAt: '', sentence: 'Damaged: 1 chunk.', repair: true, doneBytes: 1, totalBytes: 1, damaged: [], damagedManifests: [] } as const;
  expect(storeFindings({ sentence: 'All.', lastVerification: null })[0]?.state).toBe('ok');
  expect(storeFindings({ sentence: 'All.', lastVerification: { ...run, damaged: [], damagedManifests: [], damagedChunks: 1, repairedChunks: 0 } })[0]).toMatchObject({ state: 'fault', sentence: 'All. Damaged: 1 chunk.' });
  expect(storeFindings({ sentence: 'All.', lastVerification: { ...run, damaged: [], damagedManifests: [], damagedChunks: 1, repairedChunks: 1 } })[0]?.state).toBe('ok');
});
