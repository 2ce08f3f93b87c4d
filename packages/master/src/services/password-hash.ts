import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** scrypt (RFC 7914): cost is 2^ln blocks of 128·r bytes, p times. */
export interface ScryptCost {
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** OWASP's first choice: 128 MiB and about a third of a second each. */
export const defaultCost: ScryptCost = { ln: 17, r: 8, p: 1 };

const saltBytes = 16;
const hashBytes = 32;
const form = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** The stored form, PHC string format: `$scrypt$ln=17,r=8,p=1$salt$hash`. */
export async function hashPassword(password: string, cost: ScryptCost): Promise<string> {
  const salt = randomBytes(saltBytes);
  const hash = await derive(password, salt, cost, hashBytes);
  return `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${unpadded(salt)}$${unpadded(hash)}`;
}

/** Compares in constant time. Throws for a stored form we did not write. */
export async function matchesPassword(password: string, stored: string): Promise<boolean> {
  const { cost, salt, hash } = parse(stored);
  return timingSafeEqual(await derive(password, salt, cost, hash.length), hash);
}

/** Whether the stored form was made with another cost than today's. */
export function isOutdated(stored: string, cost: ScryptCost): boolean {
  const made = parse(stored).cost;
  return made.ln !== cost.ln || made.r !== cost.r || made.p !== cost.p;
}

/** A stored form that no password matches and that costs as much to try as a real one: for users who do not exist. */
export function unmatchableHash(cost: ScryptCost): string {
  return `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${unpadded(randomBytes(saltBytes))}$${unpadded(randomBytes(hashBytes))}`;
}

function parse(stored: string): { readonly cost: ScryptCost; readonly salt: Buffer; readonly hash: Buffer } {
  const match = form.exec(stored);
  if (match === null) throw new Error('A stored password hash is not of the form $scrypt$ln=,r=,p=$salt$hash.');
  const [, ln, r, p, salt = '', hash = ''] = match;
  return { cost: { ln: Number(ln), r: Number(r), p: Number(p) }, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
}

function derive(password: string, salt: Buffer, cost: ScryptCost, length: number): Promise<Buffer> {
  const N = 2 ** cost.ln;
  // Unicode has several byte forms of the same typed text (NIST 800-63B 5.1.1.2: normalise first).
  const bytes = Buffer.from(password.normalize('NFKC'), 'utf8');
  return new Promise((resolve, reject) => {
    scrypt(bytes, salt, length, { N, r: cost.r, p: cost.p, maxmem: 128 * N * cost.r + 1024 * 1024 * cost.p }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
