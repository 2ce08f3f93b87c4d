import type { ImageAnswer } from '@paravcl/shared/api/images';

/** How a disk image boots, as it stands in the fields of a form. */
export interface DefaultsTyped {
  readonly vcpus: string;
  readonly ramMiB: string;
  readonly platformValue: string;
  readonly kernelArguments: string;
}

export function textsOfDefaults({ defaultVcpus, defaultRamMiB, platformValue, kernelArguments }: Pick<ImageAnswer, 'defaultVcpus' | 'defaultRamMiB' | 'platformValue' | 'kernelArguments'>): DefaultsTyped {
  return { vcpus: defaultVcpus === null ? '' : String(defaultVcpus), ramMiB: defaultRamMiB === null ? '' : String(defaultRamMiB), platformValue: String(platformValue), kernelArguments };
}

type Defaults = Pick<ImageAnswer, 'defaultVcpus' | 'defaultRamMiB' | 'platformValue' | 'kernelArguments'>;

/** What was typed; empty sizes are the site's. Null while something is no whole number. */
export function defaultsTyped({ vcpus, ramMiB, platformValue, kernelArguments }: DefaultsTyped): Defaults | null {
  const [cores, ram] = [vcpus, ramMiB].map((text) => (text.trim() === '' ? null : /^\d{1,9}$/.test(text.trim()) ? Number(text) : undefined));
  if (cores === undefined || ram === undefined) return null;
  return { defaultVcpus: cores, defaultRamMiB: ram, platformValue: Number(platformValue), kernelArguments };
}
