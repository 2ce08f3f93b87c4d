import { MiB } from '@paravcl/shared/domain/limits';

/** Bytes as the configuration counts them, rounded up: "64.0 GiB", "5 MiB". */
export function sayBytes(bytes: number): string {
  return bytes >= 1024 * MiB ? `${(bytes / (1024 * MiB)).toFixed(1)} GiB` : `${Math.ceil(bytes / MiB)} MiB`;
}
