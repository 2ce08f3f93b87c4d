import type { Refused } from '@paravcl/shared/protocol/master-to-agent';

/**
 * How long an agent stays quiet after a refusal. None of them ends the agent: it keeps looking after the
 * guests that are there, and a person can lift each of them.
 *
 * `newer-session`: another process speaks with this key, a copy of this host perhaps. Coming back at once
 * would throw *it* out, and so on for ever; ending would have the service manager start us again, which
 * is the same. So the agent says so and lets a minute pass.
 */
export function quietMs(code: Refused['code']): number {
  const second = 1000;
  const minute = 60 * second;
  const waits: Readonly<Record<Refused['code'], number>> = {
    quarantined: 15 * second,
    'unknown-slave': minute,
    'bad-signature': minute,
    'newer-session': minute,
    'protocol-version': 5 * minute,
    retired: 10 * minute,
  };
  return waits[code];
}
