import { fault, ok, warning, type Finding } from '@paravcl/shared/finding';

/** What came of asking the master's `/healthz` over the pinned certificate authority. */
export type MasterAnswer =
  | { readonly reached: false; readonly code: string; readonly message: string }
  | {
      readonly reached: true;
      readonly status: number;
      readonly certificateEndsAt: number | null;
      /** This host's clock minus the master's, from the Date header: whole seconds, ± half the way there and back. */
      readonly clockOffsetMs: number | null;
    };

export interface MasterFacts {
  /** Null when this host is not enrolled. */
  readonly url: string | null;
  /** Who vouches for the master: the authority kept at enrolment, the public ones of this machine, or nobody. */
  readonly trust: 'pinned' | 'public' | null;
  readonly answer: MasterAnswer | null;
  /** When the agent last heard of the master; null when unknown. */
  readonly lastContactAt: number | null;
  readonly now: number;
}

const day = 24 * 60 * 60 * 1000;
/** The master renews its own 30 days before the end (tls/site-ca): with less left, that failed for over a week. */
const warnCertificateDays = 21;
/** The Date header counts whole seconds; the rest is the way there and back. */
const warnClockMs = 5000;
/** Certificates and tokens made now are "not valid yet" on a clock that is a minute behind. */
const faultClockMs = 60_000;
const quietMs = 10 * 60 * 1000;

const authority = { pinned: 'the authority kept at enrolment', public: 'an authority this machine trusts' } as const;
const whoRenews = 'A master with an authority of its own renews it by itself from 30 days before its end; one that the site bought or made (tls.certFile) is renewed by whoever did.';
const whyNotRenewed = 'journalctl -u paravcl-master | grep -i certificate   # on the master: why it was not renewed';

/** By these this host stays who it is at another address of its master, or by another authority. */
const startBothAnew = 'systemctl restart paravcl-mirror paravcl-slave';
const believeAnother = (url: string): string => `paravcl-slave follow --master ${url} --ca-fingerprint FINGERPRINT && ${startBothAnew}   # FINGERPRINT: what join tokens of the master end with`;
const ifItMoved = `Where the master has another address now: paravcl-slave follow --master https://NEW, then ${startBothAnew}.`;

export function diagnoseMaster(facts: MasterFacts): readonly Finding[] {
  const { url, trust, answer, now } = facts;
  if (url === null) return [warning('master', 'This host is not enrolled: no master is known.', 'paravcl-slave enrol --master https://MASTER --token TOKEN')];
  if (trust === null)
    return [fault('master', `The certificate authority of ${url} is not kept here, so the master cannot be told from an impostor.`, believeAnother(url))];
  if (!answer) return [];
  return [...diagnoseAnswer(url, answer, trust, now), ...diagnoseContact(url, facts)];
}

function diagnoseAnswer(url: string, answer: MasterAnswer, trust: 'pinned' | 'public', now: number): readonly Finding[] {
  if (!answer.reached) return [unreached(url, answer, trust)];
  const findings: Finding[] = [
    answer.status === 200
      ? ok('master', `${url} answers, and its certificate is signed by ${authority[trust]}.`)
      : warning('master', `${url} answers with status ${answer.status}: it is starting, stopping or troubled.`, 'journalctl -u paravcl-master -n 50   # on the master'),
  ];
  if (answer.certificateEndsAt !== null) {
    const days = Math.floor((answer.certificateEndsAt - now) / day);
    findings.push(
      days < warnCertificateDays
        ? warning('master-certificate', `The master's certificate is valid for ${days} more days. ${whoRenews}`, whyNotRenewed)
        : ok('master-certificate', `The master's certificate is valid for ${days} more days.`),
    );
  }
  if (answer.clockOffsetMs !== null) findings.push(diagnoseClock(answer.clockOffsetMs));
  return findings;
}

function unreached(url: string, { code, message }: { readonly code: string; readonly message: string }, trust: 'pinned' | 'public'): Finding {
  const { hostname, port } = new URL(url);
  if (code === 'CERT_HAS_EXPIRED')
    return fault('master', `The certificate of ${url} has expired. ${whoRenews}`, whyNotRenewed);
  if (code === 'CERT_NOT_YET_VALID') return fault('master', `The certificate of ${url} is not valid yet: this host's clock is behind.`, 'timedatectl set-ntp true');
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return fault('master', `The certificate of ${url} is for another name: ${message}.`, `paravcl-slave follow --master https://NAME-IN-THE-CERTIFICATE && ${startBothAnew}`);
  if (/CERT|ISSUER|SIGNATURE|SELF_SIGNED/.test(code))
    return fault('master', `The certificate of ${url} is not signed by ${authority[trust]} (${message}): another machine answers there, the master has another authority now, or it was set up anew. In the last case: paravcl-slave enrol --again.`, believeAnother(url));
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return fault('master', `The name ${hostname} is not known to this host's name server. ${ifItMoved}`, `getent hosts ${hostname}`);
  if (code === 'ECONNREFUSED') return fault('master', `Nothing listens at ${url}: the master is down, or the port is wrong. ${ifItMoved}`, 'systemctl status paravcl-master   # on the master');
  return fault('master', `${url} cannot be reached: ${message}. ${ifItMoved}`, `nc -vz ${hostname} ${port === '' ? '443' : port}`);
}

function diagnoseClock(offsetMs: number): Finding {
  const seconds = Math.round(Math.abs(offsetMs) / 1000);
  const sentence = `This host's clock is ${seconds} s ${offsetMs > 0 ? 'ahead of' : 'behind'} the master's`;
  if (Math.abs(offsetMs) > faultClockMs) return fault('clock', `${sentence}; tokens and certificates are refused from 60 s on.`, 'timedatectl set-ntp true');
  if (Math.abs(offsetMs) > warnClockMs) return warning('clock', `${sentence}.`, 'timedatectl set-ntp true');
  return ok('clock', 'This host\'s clock agrees with the master\'s, to the second or two that can be told.');
}

function diagnoseContact(url: string, { lastContactAt, now }: MasterFacts): readonly Finding[] {
  if (lastContactAt === null) return [];
  const minutes = Math.floor((now - lastContactAt) / 60_000);
  if (now - lastContactAt > quietMs) return [warning('contact', `The agent last heard of ${url} ${minutes} minutes ago.`, 'systemctl restart paravcl-slave && journalctl -u paravcl-slave -n 50')];
  return [ok('contact', `The agent heard of ${url} ${minutes === 0 ? 'less than a minute' : `${minutes} minutes`} ago.`)];
}
