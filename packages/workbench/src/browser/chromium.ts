import { chromium, type Browser } from 'playwright-core';

/** Debian's, which the set-up installs: the browser that people have, and no download of its own. */
const executablePath = '/usr/bin/chromium';

/**
 * Starts a browser that trusts this key (SHA-256 of its SubjectPublicKeyInfo, base64) as it would a certificate that an
 * authority signed, and no other: a browser that was told to ignore faults of certificates keeps nothing in its cache.
 */
export function launchChromium(trustedKey: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    // Chromium refuses to be started by root with its sandbox, and tests run as root; it loads pages of our own master only.
    chromiumSandbox: process.getuid?.() !== 0,
    args: [`--ignore-certificate-errors-spki-list=${trustedKey}`],
  });
}
