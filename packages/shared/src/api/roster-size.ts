/** The largest list of a group's people, in bytes of UTF-8; a thousand lines of names and mail addresses come to half of it. */
export const largestRosterBytes = 200 * 1024;
