/**
 * Protocol between master and agent. A master speaks with agents of its own version and of those from the oldest
 * named below on. History, newest first; every change of a frame is a line here and a golden fixture beside it:
 *
 * 9  `heartbeat.guests`: what the virtual CPUs of its guests ran, and wanted to run and did not. Agents before version 9 leave it out, so
 *    nobody knows of their guests whether they get what is their due. Masters before version 9 do not read it.
 * 8  `InstanceSpec.public`: addresses and ports of the network outside that lead to the guest while it runs. Agents before version 8 ignore
 *    it, so the master maps nothing to what is on one of them. And the trouble `public-mapping`.
 * 7  Streams to guests: the ends `screen`, `serial` and `port` of `open-stream`. Agents before version 7 understand no frame with one of
 *    them and never answer it, so the master sends them none.
 * 6  Live migration: the orders `sent` and `received` with `ObservedInstance.migration`, the command `open-stream`, and streams
 *    through the master beside the link (`agentStreamPath`, `streams.ts`). Agents before version 6 understand no frame with one of them, so the master sends them none.
 * 5  RAM that leaves its slave: `InstanceSpec.ram`, `ram` of what is to be frozen with `ramBytes` in the answer, and `what` of
 *    `send-disk`. `InstanceSpec.home` and the commands `send-home` and `drop-home`: a volume that goes with a person; agents before
 *    version 5 make the instance without it, and never answer these. Agents before version 5 would boot what was saved, so the master gives them nothing that has RAM in the store.
 * 4  `InstanceSpec.diskEpoch`: how often the instance began anew from its image, and the same in what is observed: what
 *    its disk is of. Agents before version 4 ignore the first and tell nothing of the second, so the master asks none of
 *    them to reset anything, and takes no report without an epoch for an answer to a reset.
 *    The commands `freeze-disks`, `send-disk` and `end-snapshot`, and `agentDeltaPath` beside them. An agent before version 4
 *    does not understand a frame with one of them and never answers it, so the master sends it none.
 * 3  `ImageRef.manifest`: the chunks of an image, which the host's mirror brings as guests read them, over a connection
 *    of its own (`chunks/mirror-messages.ts`); and the trouble `mirror-silent`. Agents of version 2 ignore the manifest
 *    and fetch the raw content as one file. An agent of version 3 makes nothing of an image without one, so masters are
 *    upgraded first.
 * 2  The end of an instance's time (`desired.endsAt`), which the slave keeps alone when the master is away, and
 *    `describe.troubles`: what keeps a slave from working and heals by itself. Agents of version 1 ignore the
 *    first (the master then ends the time alone) and have no troubles to tell.
 * 1  Foundation: challenge, hello, welcome, refused; desired states and reports with generations;
 *    one-shot commands (serial-log, screenshot); heartbeats both ways.
 */
export const protocolVersion = 9;
export const oldestProtocolVersion = 2;
/** Agents from this version on can begin an instance anew from its image, and say that they have. */
export const diskEpochProtocolVersion = 4;
/** The first version whose agents freeze disks. */
export const diskSnapshotProtocolVersion = 4;
/** The first version whose agents keep, send and take RAM. */
export const movingRamProtocolVersion = 5;
/** The first version whose agents attach home volumes. */
export const homeVolumeProtocolVersion = 5;

/** The first version whose agents send and take guests that run, and join streams. */
export const streamProtocolVersion = 6;
/** The first version whose agents join streams to guests. */
export const guestStreamProtocolVersion = 7;
/** The first version whose agents map public addresses and ports. */
export const publicMappingProtocolVersion = 8;

/** WebSocket paths on the master's HTTPS port: the link, and streams beside it. */
export const agentLinkPath = '/agent/v1/link';
export const agentStreamPath = '/agent/v1/streams';
/** HTTP paths on the same port for what does not fit a frame. */
export const agentEnrolPath = '/agent/v1/enrolments';
export const agentImagePath = (imageId: string): string => `/agent/v1/images/${imageId}/content`;
/**
 * Where the delta of a frozen disk goes, by the image it is to become: GET and HEAD answer in `Upload-Offset` how much has
 * arrived, and with `?size=` (bytes of the whole delta) refuse what would be refused; PUT with `offset` (that number), `size` and
 * `sha256` (of the whole) appends the rest. 204 to either: all is here. 404: nobody waits for it any more. 409: another request
 * brings it, or it goes on elsewhere. 422: it was not what was announced, and is to be sent again from the start.
 */
export const agentDeltaPath = (imageId: string): string => `/agent/v1/deltas/${imageId}`;
/** Largest frame either side accepts. */
export const maxFrameBytes = 1024 * 1024;
