import type { Connection } from 'ssh2';

/** RFC 4254 5.1. */
export const channelRefusals = { prohibited: 1, connectFailed: 2, resourceShortage: 4 } as const;

type OpenFailure = (recipient: number, reason: number, description: string) => void;

/**
 * Refuses a channel with a sentence, which OpenSSH shows: `channel 0: open failed: connect failed: …`. ssh2 sends none of its own
 * (1.17: `reject` calls `channelOpenFail(sender, reason, '')`, at once), so the sentence is put into that one call; with an ssh2 that
 * works otherwise the channel is refused without it.
 */
export function refuseChannel(client: Connection, reject: () => void, sentence: string, reason: number = channelRefusals.prohibited): void {
  const protocol = (client as unknown as { readonly _protocol?: { channelOpenFail?: OpenFailure } })._protocol;
  const plain = protocol?.channelOpenFail;
  if (protocol === undefined || plain === undefined) {
    reject();
    return;
  }
  protocol.channelOpenFail = (recipient) => plain.call(protocol, recipient, reason, sentence);
  try {
    reject();
  } finally {
    protocol.channelOpenFail = plain;
  }
}
