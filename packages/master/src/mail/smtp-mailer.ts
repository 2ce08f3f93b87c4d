import { readFileSync } from 'node:fs';
import { createTransport } from 'nodemailer';
import type { Delivery, Mail, Mailer } from '../services/notice-mail';
import type { MailSettings } from '../services/instance-settings';

/** A server that takes longer than this to connect, to greet or to answer counts as gone. */
const timeoutMs = 20_000;

/** Own machine: nobody listens in between, and mail servers there make their certificates themselves. */
const loopback = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;

/** The part of nodemailer's errors that tells whether the server spoke about this very mail. */
interface SmtpFault {
  readonly command?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

/**
 * A mailer over SMTP (RFC 5321). With `secure` it speaks TLS from the first byte, else it takes STARTTLS where it is
 * offered, and insists on it before a password goes to another machine. Reads the password now; throws when it cannot.
 */
export function smtpMailer(settings: NonNullable<MailSettings>): Mailer {
  const { host, port, secure, user, passwordFile, from } = settings;
  const pass = passwordFile === undefined ? '' : readFileSync(passwordFile, 'utf8').trim();
  const near = loopback.test(host);
  const transport = createTransport({
    host,
    port,
    secure,
    requireTLS: !secure && user !== undefined && !near,
    tls: { rejectUnauthorized: !near },
    ...(user === undefined ? {} : { auth: { user, pass } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    // What a notice quotes is data: it names no file and no address to fetch.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send({ to, subject, text, messageId }: Mail): Promise<Delivery> {
      try {
        // RFC 3834: so that nobody's holiday notice answers.
        await transport.sendMail({ from, to: { name: '', address: to }, subject, text, messageId, headers: { 'Auto-Submitted': 'auto-generated' } });
        return { kind: 'taken' };
      } catch (error) {
        const { command, responseCode, response } = error as SmtpFault;
        const aboutThisMail = (command === 'RCPT TO' || command === 'DATA') && responseCode !== undefined;
        if (!aboutThisMail) throw error;
        return { kind: 'refused', forGood: responseCode >= 500, sentence: response ?? `code ${responseCode}` };
      }
    },
  };
}
