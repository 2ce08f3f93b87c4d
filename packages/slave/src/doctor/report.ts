import type { Finding } from '@paravcl/shared/finding';
import { hasFault, reportLines } from '@paravcl/shared/finding-report';

/** For people, as `paravcl doctor` tells it too. */
export const reportText = (findings: readonly Finding[]): string => [...reportLines(findings, { sound: ': this host can run guests' }), ''].join('\n');

/** For scripts: `{ok, findings}` on one line. */
export const reportJson = (findings: readonly Finding[]): string => `${JSON.stringify({ ok: !hasFault(findings), findings })}\n`;

/** 0 when there is no fault, 1 otherwise; warnings do not count. */
export const exitStatus = (findings: readonly Finding[]): 0 | 1 => (hasFault(findings) ? 1 : 0);
