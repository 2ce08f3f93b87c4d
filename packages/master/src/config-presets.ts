import { z } from 'zod';

/** Options that are set together, under what the administrator writes. */

export const presetOption = z.enum(['default', 'report-2014']).default('default');

type Section = Readonly<Record<string, unknown>>;

/** `report-2014`: reservations and the order of the queue as the original system of the 2014 report had them. */
const presets: Readonly<Record<z.output<typeof presetOption>, Readonly<Record<string, Section>>>> = {
  default: {},
  'report-2014': {
    // For tomorrow, beginning at 09, 10, … or 17 o'clock, one to four hours: the latest ends at 21.
    reservations: { tomorrowOnly: true, opensAt: '09:00', closesAt: '21:00', latestStart: '17:00', stepMinutes: 60, minHours: 1, maxHours: 4 },
    // Nobody rises by waiting there.
    priority: { aging: { perHour: 0 } },
    people: { userNames: 'alphabetic' },
    participation: { mode: 'warn' },
  },
};

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The settings with the preset they name laid under them: what they say themselves holds. */
export function withPreset(settings: unknown): unknown {
  if (!isSection(settings)) return settings;
  const named = presetOption.safeParse(settings['preset']);
  if (!named.success) return settings;
  const laid: Record<string, unknown> = { ...settings };
  for (const [name, section] of Object.entries(presets[named.data])) {
    const own = settings[name];
    // A section of another kind is left to be found fault with.
    if (own === undefined || isSection(own)) laid[name] = { ...section, ...own };
  }
  return laid;
}
