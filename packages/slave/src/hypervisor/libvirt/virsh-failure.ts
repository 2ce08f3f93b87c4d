import { HypervisorError, type HypervisorErrorCode } from '../driver';

/** Wording of virsh (LC_ALL=C) and what it means to us. First match wins; libvirt 9.0 with QEMU 7.2. */
export const virshFailures: readonly { readonly words: RegExp; readonly code: HypervisorErrorCode; readonly shownBy: string }[] = [
  { words: /failed to connect to the hypervisor|Failed to connect socket|Disconnected from .* due to|Cannot recv data|client socket is closed/i, code: 'unavailable', shownBy: 'virsh list   (with libvirtd stopped)' },
  { words: /failed to get domain|Domain not found|no domain with matching/i, code: 'unknown-domain', shownBy: 'virsh domstate nope' },
  { words: /network '[^']*' is not active|network is not running|Network not found/i, code: 'network-down', shownBy: 'virsh start D   (after virsh net-destroy N, or net-undefine N)' },
  { words: /No space left on device/i, code: 'no-room', shownBy: 'virsh managedsave D   (with /var/lib/libvirt/qemu/save full)' },
  { words: /cannot allocate memory|Cannot set up guest memory/i, code: 'no-room', shownBy: 'virsh start D   (with more RAM than the host has)' },
  { words: /save image is incomplete|image magic is incorrect|failed to read qemu header/i, code: 'save-unusable', shownBy: 'virsh managedsave-dumpxml D   (first 4 KiB of the save file zeroed, or its magic "LibvirtQemudPart")' },
  { words: /load of migration failed|error while loading state/i, code: 'save-unusable', shownBy: 'virsh start D   (save file truncated to 200,000 bytes)' },
  { words: /Target .* does not match source|image version is not supported/i, code: 'save-unusable', shownBy: 'virsh restore FILE --xml X.xml   (with another machine type, CPU, RAM size or UUID in X.xml)' },
  { words: /already exists with uuid|already defined with uuid/i, code: 'foreign', shownBy: 'virsh define X.xml   (another domain has the name)' },
  { words: /Specified qdisc kind is unknown/i, code: 'unsupported', shownBy: 'virsh start D   (with <bandwidth> on a kernel without sch_htb or sch_sfq)' },
  { words: /Timed out during operation|cannot acquire state change lock/i, code: 'timeout', shownBy: 'virsh destroy D   (while another job holds the domain for 30 s)' },
  { words: /domain is not running|domain is already (running|active)|Domain is already active|Requested operation is not valid|cannot (undefine|save) /i, code: 'wrong-state', shownBy: 'virsh shutdown D; virsh resume D   (with D off)' },
  { words: /unsupported configuration|not supported by (the )?(hypervisor|QEMU|connection driver)|unsupported machine type|CPU model .* not supported/i, code: 'unsupported', shownBy: 'virsh start D   (with a machine type this QEMU does not have)' },
];

/** The error for what virsh wrote to standard error. The message keeps libvirt's own words, without virsh's prefix. */
export function virshError(command: string, stderr: string, cause?: unknown): HypervisorError {
  const words = libvirtWords(stderr);
  const code = virshFailures.find((each) => each.words.test(stderr))?.code ?? 'failed';
  return new HypervisorError(code, `virsh ${command}: ${words === '' ? 'failed without a word' : words}`, cause === undefined ? undefined : { cause });
}

function libvirtWords(stderr: string): string {
  return stderr
    .split('\n')
    .map((line) => line.replace(/^error: /, '').trim())
    .filter((line) => line !== '')
    .join('; ')
    .slice(0, 2000);
}
