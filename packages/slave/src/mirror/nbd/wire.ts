/** Numbers of the NBD protocol: doc/proto.md of NetworkBlockDevice/nbd. All are big-endian on the wire. */
export const magic = {
  init: 0x4e42444d41474943n, // "NBDMAGIC"
  option: 0x49484156454f5054n, // "IHAVEOPT"
  optionReply: 0x3e889045565a9n,
  request: 0x25609513,
  simpleReply: 0x67446698,
  structuredReply: 0x668e33ef,
} as const;

/** Fixed newstyle and no zeroes, offered by the server and taken up by the client under the same bits. */
export const handshakeFlags = { fixedNewstyle: 1, noZeroes: 2 } as const;

export const option = { exportName: 1, abort: 2, list: 3, info: 6, go: 7, structuredReply: 8, listMetaContext: 9, setMetaContext: 10 } as const;
export const optionAnswer = { ack: 1, info: 3, metaContext: 4, unsupported: 0x80000001, policy: 0x80000002, invalid: 0x80000003, unknown: 0x80000006, tooBig: 0x80000009 } as const;
export const infoType = { export: 0, blockSize: 3 } as const;

/** Has flags, read-only, and several connections of one client see the same. */
export const transmissionFlags = 1 | 2 | 256;

export const command = { read: 0, write: 1, disconnect: 2, flush: 3, trim: 4, cache: 5, writeZeroes: 6, blockStatus: 7 } as const;
export const commandFlags = { fua: 1, requestOne: 8 } as const;
export const replyChunk = { offsetData: 1, blockStatus: 5, error: 32769 } as const;
export const replyDone = 1;

/** Error numbers of the protocol, which are not the host's. */
export const nbdError = { permission: 1, io: 5, invalid: 22, notSupported: 95 } as const;

/** The context every client knows: which ranges are holes and read as zeros. */
export const allocationContext = 'base:allocation';
export const allocationId = 1;
export const allocation = { data: 0, holeOfZeros: 3 } as const;

export const requestBytes = 28;
export const simpleHeadBytes = 16;
/** A structured reply whose payload is an offset and data. */
export const dataHeadBytes = 28;
/** Largest payload of a request and of a reply. */
export const mostRequestBytes = 32 * 1024 * 1024;
