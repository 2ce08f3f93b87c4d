import { z } from 'zod';

/** One MiB in bytes. */
export const MiB = 1024 * 1024;

/** Also what is a letter to Unicode and a blank to people: the fillers of Hangul, the empty pattern of Braille. Variants of characters are seen. */
export const invisibleCharacters = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u2800]|(?!\p{Variation_Selector})\p{Default_Ignorable_Code_Point}/u;

/** Those that take no room of their own stack over what stands above. No name has four: Hebrew with all its points has three, Burmese more, which take room. */
const stackedMarks = /[\p{Mn}\p{Me}]{4}/u;
const seenCharacter = /[\p{L}\p{N}\p{S}\p{P}]/u;

/**
 * A name people give to a thing. Any script is welcome, quotes and `$()` too: names are only ever data.
 * Control and invisible characters are refused because they can make one name look like another or like none, and piles of marks
 * because they draw over what is around.
 */
export const displayNameSchema = z
  .string()
  .trim()
  .min(1, { error: 'must not be empty', abort: true })
  .max(100, 'at most 100 characters')
  .refine((name) => !invisibleCharacters.test(name), 'must not contain control or invisible characters')
  .refine((name) => !stackedMarks.test(name), 'at most three combining marks on one character')
  .refine((name) => seenCharacter.test(name), 'must have a letter, a digit or a symbol that is seen');

/** RFC 1123 host label, as DHCP, cloud-init and the guest need it. */
export const hostLabelSchema = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'lower-case letters, digits and hyphens, not at the ends');

export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal digits');

export const macSchema = z
  .string()
  .toLowerCase()
  .regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/, 'six hexadecimal pairs separated by colons');

export const ipv4Schema = z.ipv4();

/** Bounds of one instance. The largest slave bounds it further, with its own reason. */
export const instanceBounds = {
  vcpus: { min: 1, max: 64 },
  ramMiB: { min: 32, max: 1024 * 1024 },
  diskMiB: { min: 1, max: 64 * 1024 * 1024 },
  bandwidthMbps: { min: 1, max: 100_000 },
} as const;

export const vcpusSchema = z.int().min(instanceBounds.vcpus.min).max(instanceBounds.vcpus.max);
export const ramMiBSchema = z.int().min(instanceBounds.ramMiB.min).max(instanceBounds.ramMiB.max);
export const diskMiBSchema = z.int().min(instanceBounds.diskMiB.min).max(instanceBounds.diskMiB.max);
export const bandwidthMbpsSchema = z.int().min(instanceBounds.bandwidthMbps.min).max(instanceBounds.bandwidthMbps.max);

/** Of one core, relative to the project's reference machine, which is 1. */
export const speedSchema = z.number().min(0.01).max(100);

/** Of one person's home volume: what a host can send to the store as one disk. */
export const mostHomeMiB = 512 * 1024;
export const homeMiBSchema = z.int().min(1).max(mostHomeMiB);

/** One OpenSSH public key line; options before the type are refused. */
export const sshPublicKeySchema = z
  .string()
  .trim()
  .max(4096)
  .regex(/^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com) [A-Za-z0-9+/]+=*( [^\p{Cc}]*)?$/u, 'one OpenSSH public key');
