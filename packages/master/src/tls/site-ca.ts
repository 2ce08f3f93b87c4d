import { createPrivateKey, generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CertificateNames } from './certificate-names';

const run = promisify(execFile);

const caDays = 3653; // ten years
const leafDays = 365;
const renewBeforeDays = 30;
const dayMs = 24 * 3600 * 1000;

/**
 * The site's own certificate authority: `ca.key` and `ca.crt` in a directory of mode 0700, EC P-256. It
 * signs nothing but the master's own certificate (`pathlen:0`), so agents may pin it for its ten years.
 */
export class SiteCa {
  private constructor(
    private readonly directory: string,
    /** PEM. */
    readonly certificate: string,
  ) {}

  /** Opens the CA in `directory`, and makes it when there is none. */
  static async open(directory: string, now: Date): Promise<SiteCa> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await chmod(directory, 0o700);
    const file = join(directory, 'ca.crt');
    if (!existsSync(file)) {
      await keyIn(directory, 'ca.key');
      await selfSign(directory, file);
    }
    const certificate = await readFile(file, 'utf8');
    if (!existsSync(join(directory, 'ca.key')) || !belongsTo(certificate, await keyIn(directory, 'ca.key'))) {
      throw new Error(
        `${join(directory, 'ca.key')} is not the key of ${file}. Restore it from a backup, or remove ${file} to start a new CA; every host must then enrol again.`,
      );
    }
    if (new Date(new X509Certificate(certificate).validTo) <= now) {
      throw new Error(`The site's CA ${file} has expired. Remove it to start a new CA; every host must then enrol again.`);
    }
    return new SiteCa(directory, certificate);
  }

  /** The master's certificate and key (PEM) for exactly these names; issued anew when the one at hand is not it, or ends within 30 days. */
  async leaf(names: CertificateNames, now: Date): Promise<{ readonly key: string; readonly certificate: string }> {
    const key = await keyIn(this.directory, 'server.key');
    const file = join(this.directory, 'server.crt');
    const present = existsSync(file) ? await readFile(file, 'utf8') : null;
    if (present !== null && this.serves(present, key, names, now)) return { key, certificate: present };
    await this.sign(file, names);
    return { key, certificate: await readFile(file, 'utf8') };
  }

  private serves(pem: string, key: string, names: CertificateNames, now: Date): boolean {
    const certificate = new X509Certificate(pem);
    return (
      certificate.verify(new X509Certificate(this.certificate).publicKey) &&
      belongsTo(pem, key) &&
      Date.parse(certificate.validTo) - now.getTime() > renewBeforeDays * dayMs &&
      [...sanOf(certificate)].sort().join() === [...names.dns, ...names.ip.map(normalIp)].sort().join()
    );
  }

  private async sign(file: string, names: CertificateNames): Promise<void> {
    const san = [...names.dns.map((name) => `DNS:${name}`), ...names.ip.map((address) => `IP:${address}`)].join(',');
    await openssl(this.directory, file, 'paravcl-master', leafDays, [
      'basicConstraints = critical,CA:FALSE',
      'keyUsage = critical,digitalSignature',
      'extendedKeyUsage = serverAuth',
      'authorityKeyIdentifier = keyid',
      `subjectAltName = ${san}`,
    ], ['-key', join(this.directory, 'server.key'), '-CA', join(this.directory, 'ca.crt'), '-CAkey', join(this.directory, 'ca.key')]);
  }
}

function selfSign(directory: string, file: string): Promise<void> {
  const name = `ParaVCL site CA ${randomBytes(4).toString('hex')}`;
  return openssl(directory, file, name, caDays, [
    'basicConstraints = critical,CA:TRUE,pathlen:0',
    'keyUsage = critical,keyCertSign,cRLSign',
    'subjectKeyIdentifier = hash',
  ], ['-key', join(directory, 'ca.key')]);
}

/** `openssl req -x509` with a configuration of ours: the machine's own may add extensions of its own. */
async function openssl(directory: string, file: string, commonName: string, days: number, extensions: readonly string[], keys: readonly string[]): Promise<void> {
  const settings = `${file}.cnf`;
  const draft = `${file}.new`;
  await writeFile(settings, ['[req]', 'prompt = no', 'distinguished_name = dn', '[dn]', `CN = ${commonName}`, '[ext]', ...extensions, ''].join('\n'), { mode: 0o600 });
  try {
    await run(
      'openssl',
      ['req', '-x509', '-new', '-sha256', '-config', settings, '-extensions', 'ext', '-days', String(days), '-set_serial', `0x${randomBytes(16).toString('hex')}`, ...keys, '-out', draft],
      { cwd: directory, timeout: 30_000, env: { PATH: process.env['PATH'], LC_ALL: 'C' } },
    );
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT') throw new Error('openssl is not installed: install the package openssl, or configure tls.certFile and tls.keyFile.', { cause: error });
    throw new Error(`openssl could not make ${file}: ${(stderr ?? '').trim() || String(error)}`, { cause: error });
  }
  await rename(draft, file);
}

/** The key in this file (PEM, mode 0600), made when there is none. */
async function keyIn(directory: string, name: string): Promise<string> {
  const file = join(directory, name);
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writeFile(`${file}.new`, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
  return readFile(file, 'utf8');
}

function belongsTo(certificate: string, key: string): boolean {
  return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
}

function sanOf(certificate: X509Certificate): readonly string[] {
  return (certificate.subjectAltName ?? '').split(', ').map((entry) => {
    const [kind = '', value = ''] = entry.split(/:(.*)/s);
    return kind === 'IP Address' ? normalIp(value) : value;
  });
}

/** One spelling for an address: certificates write IPv6 in full, without "::". */
function normalIp(address: string): string {
  return address.includes(':') ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}
