import { wrongUsage } from '../errors/refusal';

const inMinutes = { m: 1, h: 60, d: 24 * 60 } as const;

/** Minutes of "90m", "2h", "1h30m", "1d", "1.5h"; a bare number is minutes. Throws Refusal. */
export function durationMinutes(text: string, option: string): number {
  const said = text.trim().toLowerCase().replaceAll(' ', '');
  if (/^\d{1,6}$/.test(said)) return Number(said);
  if (!/^(\d{1,6}([.,]\d{1,2})?(d|h|min|m))+$/.test(said)) throw wrongUsage(`${option} takes a time such as 90m, 2h or 1h30m, not "${text}".`);
  const minutes = [...said.matchAll(/(\d+(?:[.,]\d+)?)(d|h|m)(?:in)?/g)].reduce((sum, [, number = '', unit]) => sum + Number(number.replace(',', '.')) * inMinutes[unit as keyof typeof inMinutes], 0);
  return Math.round(minutes);
}
