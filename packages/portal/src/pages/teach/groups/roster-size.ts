/** The largest list in bytes of UTF-8; the master's own limit. */
export const largestRosterBytes = 200 * 1024;
