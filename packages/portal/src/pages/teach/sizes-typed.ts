import { wholeNumber } from '../../states/whole-number';

export const sizeNames = ['vcpus', 'ramMiB', 'diskMiB', 'bandwidthMbps', 'minutes'] as const;
export type SizeName = (typeof sizeNames)[number];

/** Sizes as they are typed; an empty text leaves it to the image or the site. */
export type SizeTexts = Readonly<Record<SizeName, string>>;
export type Sizes = Readonly<Record<SizeName, number | null>>;

export const noSizes: SizeTexts = { vcpus: '', ramMiB: '', diskMiB: '', bandwidthMbps: '', minutes: '' };

export const textsOf = (sizes: Sizes): SizeTexts => {
  const text = (name: SizeName): string => (sizes[name] === null ? '' : String(sizes[name]));
  return { vcpus: text('vcpus'), ramMiB: text('ramMiB'), diskMiB: text('diskMiB'), bandwidthMbps: text('bandwidthMbps'), minutes: text('minutes') };
};

/** What was typed, in numbers; null while a field is no whole number. */
export function sizesOf(texts: SizeTexts): Readonly<Partial<Record<SizeName, number>>> | null {
  const sizes: Partial<Record<SizeName, number>> = {};
  for (const name of sizeNames) {
    const number = wholeNumber(texts[name]);
    if (Number.isNaN(number)) return null;
    if (number !== undefined) sizes[name] = number;
  }
  return sizes;
}
